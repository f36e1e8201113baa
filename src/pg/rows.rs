//! Set-returning functions that write their rows straight into a tuplestore.
//!
//! A value-per-call function makes PostgreSQL form a composite value for each row, take it apart
//! and store it; writing the row once is several times cheaper. Amounts are put together on the
//! stack, so a row allocates nothing.

use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{check_for_interrupts, pg_sys};

use super::date::Day;
use super::numeric::{Image, Num};

/// One column of one row.
pub enum Cell {
    /// An `integer`.
    Whole(i32),
    /// A `date`.
    Day(Day),
    /// A `numeric`.
    Amount(Image),
    /// NULL.
    Null,
}

impl From<Num> for Cell {
    fn from(value: Num) -> Self {
        Self::Amount(value.image())
    }
}

impl Cell {
    /// An amount of whole minor units, such as cents at two decimals.
    pub fn minor(units: i64, decimals: u32) -> Self {
        Self::Amount(Image::new(i128::from(units), decimals))
    }

    fn datum(&self) -> pg_sys::Datum {
        match self {
            Self::Whole(value) => pg_sys::Datum::from(*value),
            Self::Day(day) => pg_sys::Datum::from(day.number()),
            Self::Amount(image) => image.datum(),
            Self::Null => pg_sys::Datum::from(0),
        }
    }
}

/// A value that makes one row of `N` columns.
pub trait Row<const N: usize> {
    /// The row's cells, in the order of the declared columns.
    fn cells(&self) -> [Cell; N];
}

/// The rows a function returns.
pub struct Rows<R, const N: usize>(pub Vec<R>);

/// Rows between two looks at whether the statement was cancelled.
const ROWS_PER_INTERRUPT_CHECK: usize = 4096;

// SAFETY: a function that returns `Rows` spells out its SQL, and the declared columns are those of
// the cells; `record` stands for them in the metadata.
unsafe impl<R, const N: usize> SqlTranslatable for Rows<R, N> {
    const TYPE_IDENT: &'static str = "loan_engine::pg::Rows";
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Err(ArgumentError::Table);
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::SetOf(SqlMappingRef::literal("record")));
}

// SAFETY: a materialised result is returned through `ReturnSetInfo`; the datum itself is NULL, as
// the protocol of such functions asks.
unsafe impl<R: Row<N>, const N: usize> BoxRet for Rows<R, N> {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: PostgreSQL calls a set-returning function with a ReturnSetInfo, which
        // InitMaterializedSRF checks; it then fills setResult and setDesc, both used only here.
        // Each tuple is copied by tuplestore_putvalues before the cells it points to go away.
        unsafe {
            let raw = fcinfo.as_mut_ptr();
            pg_sys::InitMaterializedSRF(raw, 0);
            let info: *mut pg_sys::ReturnSetInfo = (*raw).resultinfo.cast();
            let (store, descriptor) = ((*info).setResult, (*info).setDesc);
            for (index, row) in self.0.iter().enumerate() {
                if index % ROWS_PER_INTERRUPT_CHECK == ROWS_PER_INTERRUPT_CHECK - 1 {
                    check_for_interrupts!();
                }
                let cells = row.cells();
                let mut values = cells.each_ref().map(Cell::datum);
                let mut nulls = cells.each_ref().map(|cell| matches!(cell, Cell::Null));
                pg_sys::tuplestore_putvalues(
                    store,
                    descriptor,
                    values.as_mut_ptr(),
                    nulls.as_mut_ptr(),
                );
            }
        }
        fcinfo.return_null()
    }
}
