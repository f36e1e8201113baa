//! Refusals with a code that pgrx does not know.
//!
//! pgrx raises the codes of the standard and no others. The server asks its error context for words
//! while it makes a report, and whoever is asked may say the code, too: a refusal puts itself there
//! just before it is raised. The server takes the error context back to what it was when it
//! catches the error.

use std::ffi::{c_int, c_void};

use pgrx::{PgLogLevel, pg_sys};

use super::error::report;
use crate::domain::error::Refusal;

mod unguarded {
    use std::ffi::c_int;

    unsafe extern "C-unwind" {
        pub fn errcode(sqlerrcode: c_int) -> c_int;
    }
}

/// A refusal that may have a code of its own.
pub trait Coded: Refusal {
    /// Five capital letters and digits, or nothing for the code of its condition.
    fn code(&self) -> Option<&'static str>;
}

/// Lets an answer of the domain be asked for where refusals have codes of their own.
pub trait OrRefuse<T> {
    /// The value; a refusal is raised.
    fn or_refuse(self) -> T;
}

impl<T, R: Coded> OrRefuse<T> for Result<T, R> {
    fn or_refuse(self) -> T {
        self.unwrap_or_else(|refusal| raise(&refusal))
    }
}

/// Raises a refusal under its own code.
fn raise(refusal: &impl Coded) -> ! {
    if let Some(code) = refusal.code() {
        say_code_when_asked(packed(code));
    }
    report(refusal).report(PgLogLevel::ERROR);
    unreachable!("an error is raised")
}

/// The code as the server packs it: six bits a character.
fn packed(code: &str) -> c_int {
    let bits = |byte: u8| c_int::from(byte.wrapping_sub(b'0') & 0x3F);
    code.bytes().rev().fold(0, |packed, byte| (packed << 6) | bits(byte))
}

/// Puts the code where the server asks while it makes the next report.
fn say_code_when_asked(code: c_int) {
    // SAFETY: the callback lives in the current memory context, which is reset no earlier than the
    // error is caught; the next report is the one raised right after.
    unsafe {
        let size = size_of::<pg_sys::ErrorContextCallback>();
        let callback: *mut pg_sys::ErrorContextCallback = pg_sys::palloc0(size).cast();
        (*callback).previous = pg_sys::error_context_stack;
        (*callback).callback = Some(say_code);
        (*callback).arg = code as usize as *mut c_void;
        pg_sys::error_context_stack = callback;
    }
}

/// Called by the server within a report.
unsafe extern "C-unwind" fn say_code(code: *mut c_void) {
    // SAFETY: called within a report, where a code may be given.
    unsafe { unguarded::errcode(code as usize as c_int) };
}
