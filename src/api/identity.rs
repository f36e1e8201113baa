//! Identifiers.

use pgrx::prelude::*;

/// A UUID of version 7 (RFC 9562, section 5.7): milliseconds since 1970 in 48 bits, a counter of 42
/// bits that starts at random with each millisecond, and 32 random bits from the operating system.
///
/// The counter keeps those a process makes in order, even when the clock is set back. Parallel
/// workers are processes of their own, so nothing is shared that they would have to agree on.
#[pg_extern(volatile, parallel_safe)]
pub(super) fn uuid_v7() -> pgrx::Uuid {
    pgrx::Uuid::from_bytes(uuid::Uuid::now_v7().into_bytes())
}
