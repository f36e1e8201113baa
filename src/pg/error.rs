//! Refusals of the domain as errors of PostgreSQL.

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;

use crate::domain::error::{Condition, Refusal};

/// What every function of the SQL surface returns.
pub type Answer<T> = Result<T, ErrorReport>;

/// The report that PostgreSQL raises for a refusal: SQLSTATE, message, DETAIL and HINT.
pub fn report(refusal: &impl Refusal) -> ErrorReport {
    let mut report = ErrorReport::new(sqlstate(refusal.condition()), refusal.to_string(), "");
    if let Some(detail) = refusal.detail() {
        report = report.set_detail(detail);
    }
    if let Some(hint) = refusal.hint() {
        report = report.set_hint(hint);
    }
    report
}

/// Lets an answer of the domain be asked for with `?`.
pub trait OrReport<T> {
    /// The value, or the refusal as PostgreSQL raises it.
    fn or_report(self) -> Answer<T>;
}

impl<T, R: Refusal> OrReport<T> for Result<T, R> {
    fn or_report(self) -> Answer<T> {
        self.map_err(|refusal| report(&refusal))
    }
}

/// The engine's own functions answer with the standard's codes, as PostgreSQL's functions do.
fn sqlstate(condition: Condition) -> PgSqlErrorCode {
    match condition {
        Condition::InvalidParameter | Condition::NoSolution => {
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE
        }
        Condition::NumericOutOfRange => PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
        Condition::DatetimeOverflow => PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW,
        Condition::DivisionByZero => PgSqlErrorCode::ERRCODE_DIVISION_BY_ZERO,
        Condition::NullNotAllowed => PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
    }
}
