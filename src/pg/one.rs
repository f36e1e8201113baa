//! Functions that return a row, or a few, of as many columns of whatever types as they declare.
//!
//! Rows go into the caller's store as the caller expects them. A value-per-call function would have
//! PostgreSQL look up in the catalog what it returns, in every query anew, which takes longer than
//! most of what is returned here.

use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{IntoDatum, PgMemoryContexts, PgTupleDesc, error, pg_sys};

/// One value with its type.
pub struct Cell {
    kind: pg_sys::Oid,
    datum: Option<pg_sys::Datum>,
}

impl Cell {
    pub(super) fn kind(&self) -> pg_sys::Oid {
        self.kind
    }

    pub(super) fn is_null(&self) -> bool {
        self.datum.is_none()
    }

    pub(super) fn datum(&self) -> pg_sys::Datum {
        self.datum.unwrap_or(pg_sys::Datum::null())
    }
}

/// A column of a row.
pub fn cell<T: IntoDatum>(value: T) -> Cell {
    Cell { kind: T::type_oid(), datum: value.into_datum() }
}

/// The row a function returns; none when empty.
pub struct One(pub Vec<Cell>);

/// Takes the rows of a result as they are made.
pub type Put<'a> = dyn FnMut(&dyn Fn(&mut Vec<Cell>)) + 'a;

/// The rows a function returns, which it puts one after the other; none of them outlives the next.
pub struct Many<'a>(pub Box<dyn FnOnce(&mut Put<'_>) + 'a>);

// SAFETY: a function that returns `One` spells out its SQL, and the declared columns are checked
// against those written; `record` stands for them in the metadata.
unsafe impl SqlTranslatable for One {
    const TYPE_IDENT: &'static str = "loan_engine::pg::One";
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Err(ArgumentError::Table);
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::SetOf(SqlMappingRef::literal("record")));
}

// SAFETY: as of `One`.
unsafe impl SqlTranslatable for Many<'_> {
    const TYPE_IDENT: &'static str = "loan_engine::pg::Many";
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Err(ArgumentError::Table);
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::SetOf(SqlMappingRef::literal("record")));
}

/// Puts rows into the store of the running call.
///
/// # Safety
/// The call is the server's, of a set-returning function.
unsafe fn store<'fcx>(fcinfo: &mut FcInfo<'fcx>, make: impl FnOnce(&mut Put<'_>)) -> Datum<'fcx> {
    // SAFETY: PostgreSQL calls a set-returning function with a ReturnSetInfo, which
    // InitMaterializedSRF checks; it then fills setResult and setDesc, both used only here. There
    // are as many values as the descriptor has columns, and of their types. The store copies them, so
    // that the context they are made in may be emptied after each row.
    unsafe {
        let raw = fcinfo.as_mut_ptr();
        pg_sys::InitMaterializedSRF(raw, pg_sys::MAT_SRF_USE_EXPECTED_DESC);
        let info: *mut pg_sys::ReturnSetInfo = (*raw).resultinfo.cast();
        let (store, descriptor) = ((*info).setResult, (*info).setDesc);
        let declared = PgTupleDesc::from_pg_unchecked(descriptor);
        let types: Vec<pg_sys::Oid> = declared.iter().map(|column| column.atttypid).collect();
        let mut row = PgMemoryContexts::new("row of a function");
        let (mut cells, mut values, mut nulls) = (Vec::new(), Vec::new(), Vec::new());
        make(&mut |fill| {
            cells.clear();
            row.switch_to(|_| fill(&mut cells));
            if !types.iter().copied().eq(cells.iter().map(Cell::kind)) {
                error!("a function writes other columns than it declares");
            }
            values.clear();
            values.extend(cells.iter().map(Cell::datum));
            nulls.clear();
            nulls.extend(cells.iter().map(Cell::is_null));
            pg_sys::tuplestore_putvalues(
                store,
                descriptor,
                values.as_mut_ptr(),
                nulls.as_mut_ptr(),
            );
            row.reset();
        });
    }
    fcinfo.return_null()
}

// SAFETY: a materialised result is returned through `ReturnSetInfo`; the datum itself is NULL, as
// the protocol of such functions asks.
unsafe impl BoxRet for One {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: PostgreSQL calls a set-returning function with a ReturnSetInfo, which
        // InitMaterializedSRF checks; it then fills setResult and setDesc, both used only here. There
        // are as many values as the descriptor has columns, and of their types.
        unsafe {
            let raw = fcinfo.as_mut_ptr();
            pg_sys::InitMaterializedSRF(raw, pg_sys::MAT_SRF_USE_EXPECTED_DESC);
            let info: *mut pg_sys::ReturnSetInfo = (*raw).resultinfo.cast();
            let (store, descriptor) = ((*info).setResult, (*info).setDesc);
            if !self.0.is_empty() {
                let declared = PgTupleDesc::from_pg_unchecked(descriptor);
                let types = declared.iter().map(|column| column.atttypid);
                if !types.eq(self.0.iter().map(Cell::kind)) {
                    error!("a function writes other columns than it declares");
                }
                let mut nulls: Vec<bool> = self.0.iter().map(Cell::is_null).collect();
                let mut values: Vec<pg_sys::Datum> = self.0.iter().map(Cell::datum).collect();
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

// SAFETY: as of `One`.
unsafe impl BoxRet for Many<'_> {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: the call is the server's.
        unsafe { store(fcinfo, self.0) }
    }
}
