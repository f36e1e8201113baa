//! Procedures: how one ends the transaction of its caller, and how it returns what it found.

use std::ffi::CStr;

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{PgSqlErrorCode, PgTupleDesc, error, pg_sys};

use super::error::Answer;
use super::one::Cell;

/// Who called the procedure.
pub struct Caller(pg_sys::FunctionCallInfo);

// SAFETY: not an argument of SQL's, so that it needs no type of it; the name stands for nothing.
unsafe impl SqlTranslatable for Caller {
    const TYPE_IDENT: &'static str = "loan_engine::pg::Caller";
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::Skip);
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Err(ReturnsError::Datum);
}

// SAFETY: takes no argument of SQL's; what it holds is that of the running call.
unsafe impl<'fcx> ArgAbi<'fcx> for Caller {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: a virtual argument, which is the call itself.
        Self(unsafe { pg_sys::FunctionCallInfo::unbox_arg_unchecked(arg) })
    }

    fn is_virtual_arg() -> bool {
        true
    }
}

impl Caller {
    /// Whether the procedure may end the transaction of its caller.
    fn is_free(&self) -> bool {
        // SAFETY: the call is the running one; a procedure is called with a CallContext, which is looked
        // at before it is taken for one.
        unsafe {
            let context = (*self.0).context;
            !context.is_null()
                && (*context).type_ == pg_sys::NodeTag::T_CallContext
                && !(*context.cast::<pg_sys::CallContext>()).atomic
                && !pg_sys::IsSubTransaction()
        }
    }

    fn check_free(&self, why: &str) -> Answer<()> {
        if self.is_free() {
            return Ok(());
        }
        Err(ErrorReport::new(
            PgSqlErrorCode::ERRCODE_INVALID_TRANSACTION_TERMINATION,
            "the procedure cannot end the transaction of its caller",
            "",
        )
        .set_detail(why.to_owned())
        .set_hint(
            "Call it outside a transaction block, a function, and a block with EXCEPTION."
                .to_owned(),
        ))
    }

    /// Ends the caller's transaction, so that what follows holds no lock of a row, no transaction id and
    /// no snapshot, until a statement needs one.
    ///
    /// # Errors
    /// 2D000 where the caller's transaction is not the procedure's to end.
    pub fn commit(&self) -> Answer<()> {
        self.check_free("It commits before it waits, so that nobody has to wait for it.")?;
        // SAFETY: the interface for procedures that end transactions, used in its order; what the server
        // keeps for this call lives in the portal and outlives the transaction.
        unsafe {
            pg_sys::SPI_connect_ext(pg_sys::SPI_OPT_NONATOMIC as i32);
            pg_sys::SPI_commit();
            pg_sys::SPI_finish();
        }
        Ok(())
    }

    /// Runs a statement that may itself end transactions, as the CALL of a procedure may.
    ///
    /// # Errors
    /// 2D000 where the caller's transaction is not the procedure's to end; 0A000 for what is no statement
    /// of that kind, such as COMMIT.
    pub fn run(&self, statement: &CStr) -> Answer<()> {
        self.check_free("It runs a procedure that may commit.")?;
        // SAFETY: the interface for procedures that end transactions, used in its order; options that are
        // not set are none.
        let code = unsafe {
            let mut options: pg_sys::SPIExecuteOptions = std::mem::zeroed();
            options.allow_nonatomic = true;
            pg_sys::SPI_connect_ext(pg_sys::SPI_OPT_NONATOMIC as i32);
            let code = pg_sys::SPI_execute_extended(statement.as_ptr(), &raw const options);
            pg_sys::SPI_finish();
            code
        };
        if code < 0 {
            return Err(ErrorReport::new(
                PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                "the statement cannot be run by a procedure",
                "",
            )
            .set_detail(statement.to_string_lossy().into_owned())
            .set_hint("Call a procedure, or select from a function.".to_owned()));
        }
        Ok(())
    }
}

/// What a procedure returns through its arguments.
pub struct Found(pub Vec<Cell>);

// SAFETY: a procedure spells out its SQL, and the declared columns are checked against those written.
unsafe impl SqlTranslatable for Found {
    const TYPE_IDENT: &'static str = "loan_engine::pg::Found";
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Err(ArgumentError::Table);
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("record")));
}

// SAFETY: the datum is a row of the type that the server expects of this call.
unsafe impl BoxRet for Found {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: the descriptor is that of the declared arguments; there are as many values as it has
        // columns, and of their types.
        unsafe {
            let mut descriptor: pg_sys::TupleDesc = std::ptr::null_mut();
            let kind = pg_sys::get_call_result_type(
                fcinfo.as_mut_ptr(),
                std::ptr::null_mut(),
                &raw mut descriptor,
            );
            let is_row = kind == pg_sys::TypeFuncClass::TYPEFUNC_COMPOSITE;
            if !is_row || !self.fits(&PgTupleDesc::from_pg_unchecked(descriptor)) {
                error!("a procedure writes other columns than it declares");
            }
            let mut nulls: Vec<bool> = self.0.iter().map(Cell::is_null).collect();
            let mut values: Vec<pg_sys::Datum> = self.0.iter().map(Cell::datum).collect();
            let tuple = pg_sys::heap_form_tuple(
                pg_sys::BlessTupleDesc(descriptor),
                values.as_mut_ptr(),
                nulls.as_mut_ptr(),
            );
            fcinfo.return_raw_datum(pg_sys::HeapTupleHeaderGetDatum((*tuple).t_data))
        }
    }
}

impl Found {
    fn fits(&self, declared: &PgTupleDesc<'_>) -> bool {
        declared.iter().map(|column| column.atttypid).eq(self.0.iter().map(Cell::kind))
    }
}
