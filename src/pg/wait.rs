//! Waiting for another thread, while the server can still cancel and end the session.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Instant;

use pgrx::{check_for_interrupts, pg_sys};

/// The signals of a thread, as they were before they were blocked.
struct Blocked(libc::sigset_t);

impl Blocked {
    fn all() -> Self {
        // SAFETY: the sets are initialised before they are read; setting the mask of the calling thread
        // cannot fail with these arguments.
        unsafe {
            let mut all = std::mem::zeroed();
            let mut before = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            Self(before)
        }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // SAFETY: the mask is the one that was there.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut());
        }
    }
}

/// Runs what starts threads with all signals blocked. A thread inherits that for as long as it lives, so
/// that the server's handlers, which belong to the session's own thread, never run in another.
pub fn with_signals_blocked<T>(start: impl FnOnce() -> T) -> T {
    let _blocked = Blocked::all();
    start()
}

/// Waits until there is something to read, but no longer than until a moment. Whether there is.
///
/// A cancelled statement leaves by an error of the server, which drops what the caller holds; a session
/// that is ended, and one whose postmaster has died, leaves for good.
pub fn wait_for(bell: BorrowedFd<'_>, until: Instant) -> bool {
    let events = pg_sys::WL_LATCH_SET
        | pg_sys::WL_SOCKET_READABLE
        | pg_sys::WL_TIMEOUT
        | pg_sys::WL_EXIT_ON_PM_DEATH;
    loop {
        check_for_interrupts!();
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        // SAFETY: the latch is the session's own, and the descriptor is open for as long as it is
        // borrowed. A latch that is set is reset before interrupts are looked at again.
        let seen = unsafe {
            let seen = pg_sys::WaitLatchOrSocket(
                pg_sys::MyLatch,
                events as i32,
                bell.as_raw_fd(),
                left.as_millis() as i64 + 1,
                pg_sys::PG_WAIT_EXTENSION,
            ) as u32;
            if seen & pg_sys::WL_LATCH_SET != 0 {
                pg_sys::ResetLatch(pg_sys::MyLatch);
            }
            seen
        };
        if seen & pg_sys::WL_SOCKET_READABLE != 0 {
            return true;
        }
    }
}
