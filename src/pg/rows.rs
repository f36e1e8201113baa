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

/// The cells of one row as they are written, in the order of the declared columns. Amounts are put
/// together here, in place.
pub struct Cells<const N: usize> {
    values: [pg_sys::Datum; N],
    nulls: [bool; N],
    images: [Image; N],
    filled: usize,
}

impl<const N: usize> Cells<N> {
    fn new() -> Self {
        Self {
            values: [pg_sys::Datum::from(0); N],
            nulls: [true; N],
            images: [Image::EMPTY; N],
            filled: 0,
        }
    }

    #[inline]
    fn put(&mut self, value: pg_sys::Datum) {
        self.values[self.filled] = value;
        self.nulls[self.filled] = false;
        self.filled += 1;
    }

    /// An `integer`.
    #[inline]
    pub fn whole(&mut self, value: i32) {
        self.put(pg_sys::Datum::from(value));
    }

    /// A `date`.
    #[inline]
    pub fn day(&mut self, day: Day) {
        self.put(pg_sys::Datum::from(day.number()));
    }

    /// A `numeric`.
    #[inline]
    pub fn amount(&mut self, amount: Num) {
        let image = &mut self.images[self.filled];
        image.write(amount.0.mantissa(), amount.0.scale());
        let datum = image.datum();
        self.put(datum);
    }

    /// A `numeric` of whole minor units, such as cents at two decimals.
    #[inline]
    pub fn minor(&mut self, units: i64, decimals: u32) {
        let image = &mut self.images[self.filled];
        image.write(i128::from(units), decimals);
        let datum = image.datum();
        self.put(datum);
    }
}

/// A value that makes one row of `N` columns.
pub trait Row<const N: usize> {
    /// Writes every column once, in order.
    fn write(&self, cells: &mut Cells<N>);
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
            let mut cells = Cells::new();
            for (index, row) in self.0.iter().enumerate() {
                if index % ROWS_PER_INTERRUPT_CHECK == ROWS_PER_INTERRUPT_CHECK - 1 {
                    check_for_interrupts!();
                }
                cells.filled = 0;
                row.write(&mut cells);
                pg_sys::tuplestore_putvalues(
                    store,
                    descriptor,
                    cells.values.as_mut_ptr(),
                    cells.nulls.as_mut_ptr(),
                );
            }
        }
        fcinfo.return_null()
    }
}
