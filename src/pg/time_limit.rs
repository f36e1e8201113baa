//! How long the rest of a statement may take.

use std::ffi::c_int;

use pgrx::pg_sys;

mod unguarded {
    use std::ffi::c_int;

    use pgrx::pg_sys::TimestampTz;

    unsafe extern "C-unwind" {
        pub fn enable_timeout_at(id: c_int, fin_time: TimestampTz);
        pub fn disable_timeout(id: c_int, keep_indicator: bool);
    }
}

/// The timer of a statement in the server's list of timers (utils/timeout.h); the same in all versions.
const STATEMENT_TIMER: c_int = 3;

/// Has the statement cancelled when so much time has passed, or at the time it would have been anyway,
/// whichever comes first; without a number, only at the latter.
///
/// The server looks after the timer from there: it ends with the statement.
pub fn limit_time(milliseconds: Option<i32>) {
    // SAFETY: the timer of the running statement, set as the server sets it: an error of these would be
    // one of memory that is gone. What is read are numbers of the session's own.
    unsafe {
        let own = (pg_sys::StatementTimeout > 0).then(|| {
            pg_sys::GetCurrentStatementStartTimestamp() + i64::from(pg_sys::StatementTimeout) * 1000
        });
        let asked =
            milliseconds.map(|limit| pg_sys::GetCurrentTimestamp() + i64::from(limit) * 1000);
        match own.into_iter().chain(asked).min() {
            Some(moment) => unguarded::enable_timeout_at(STATEMENT_TIMER, moment),
            None => unguarded::disable_timeout(STATEMENT_TIMER, false),
        }
    }
}
