//! Typed states of aggregates.
//!
//! A state lives in the aggregate's memory context, so that it is dropped with the group. The SQL
//! declares SSPACE for each, because PostgreSQL cannot see how much a state takes and would
//! otherwise spill far too early or far too late. Parallel workers hand their states over as
//! bytes: a version byte, then what the state writes of itself.

use pgrx::datum::Internal;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgMemoryContexts, PgSqlErrorCode, pg_sys};

use super::error::Answer;

/// What an aggregate keeps between rows, where parallel workers may each keep a part of it.
pub trait AggregateState: Clone + Default + 'static {
    /// Changes whenever the bytes change their meaning.
    const VERSION: u8;
    /// Takes in all that another state has seen.
    ///
    /// # Errors
    /// What the state cannot hold.
    fn merge(&mut self, other: &Self) -> Answer<()>;
    /// Writes the state.
    fn write(&self, bytes: &mut Vec<u8>);
    /// Reads what `write` wrote; `None` if it is not that.
    fn read(bytes: &[u8]) -> Option<Self>;
}

fn broken(message: &str) -> ErrorReport {
    ErrorReport::new(PgSqlErrorCode::ERRCODE_INVALID_BINARY_REPRESENTATION, message.to_owned(), "")
}

/// The memory context of the aggregate that is calling.
fn context(fcinfo: pg_sys::FunctionCallInfo) -> Answer<PgMemoryContexts> {
    let mut context: pg_sys::MemoryContext = std::ptr::null_mut();
    // SAFETY: fcinfo is the call's own; AggCheckCallContext fills the pointer or returns zero.
    match unsafe { pg_sys::AggCheckCallContext(fcinfo, &mut context) } {
        0 => Err(ErrorReport::new(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            "an aggregate's support function was called outside an aggregate",
            "",
        )),
        _ => Ok(PgMemoryContexts::For(context)),
    }
}

fn store<S: 'static>(state: S, fcinfo: pg_sys::FunctionCallInfo) -> Answer<Internal> {
    let mut context = context(fcinfo)?;
    // SAFETY: the closure only allocates the state, in the context that lives as long as its group.
    Ok(unsafe { context.switch_to(|_| Internal::new(state)) })
}

/// A pointer to a new state.
pub(super) fn make<S: Default + 'static>(
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer<pg_sys::Datum> {
    let state = store(S::default(), fcinfo)?;
    Ok(state.unwrap().unwrap_or(pg_sys::Datum::null()))
}

/// The state behind `internal`, made on the first row of a group, changed by one row.
pub fn transition<S: Default + 'static>(
    mut internal: Internal,
    fcinfo: pg_sys::FunctionCallInfo,
    change: impl FnOnce(&mut S) -> Answer<()>,
) -> Answer<Internal> {
    if !internal.initialized() {
        internal = store(S::default(), fcinfo)?;
    }
    // SAFETY: an `internal` of this aggregate is always a state of type S, made just above.
    if let Some(state) = unsafe { internal.get_mut::<S>() } {
        change(state)?;
    }
    Ok(internal)
}

/// Two states as one. The second is never handed on as it is, for it belongs to another context.
pub fn combine<S: AggregateState>(
    first: Option<Internal>,
    second: Option<Internal>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer<Internal> {
    let (first, second) = (first.unwrap_or_default(), second.unwrap_or_default());
    // SAFETY: both are states of this aggregate.
    match (unsafe { first.get::<S>() }, unsafe { second.get::<S>() }) {
        (_, None) => Ok(first),
        (None, Some(second)) => store(second.clone(), fcinfo),
        (Some(_), Some(second)) => transition(first, fcinfo, |state: &mut S| state.merge(second)),
    }
}

/// The bytes of a state, for another process.
pub fn encode<S: AggregateState>(internal: Internal) -> Vec<u8> {
    let mut bytes = vec![S::VERSION];
    // SAFETY: a state of this aggregate.
    if let Some(state) = unsafe { internal.get::<S>() } {
        state.write(&mut bytes);
    }
    bytes
}

/// The state of the bytes from another process.
pub fn decode<S: AggregateState>(
    bytes: &[u8],
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer<Internal> {
    match bytes.split_first() {
        Some((&version, rest)) if version == S::VERSION => {
            store(S::read(rest).ok_or_else(|| broken("an aggregate state is damaged"))?, fcinfo)
        }
        _ => Err(broken("an aggregate state has another version")),
    }
}

/// What the aggregate answers; `None` for a group without rows.
pub fn finish<S: 'static, T>(internal: &Internal, answer: impl FnOnce(&S) -> T) -> Option<T> {
    // SAFETY: a state of this aggregate.
    unsafe { internal.get::<S>() }.map(answer)
}

/// The same where the answer is easier to find once the state is put in order, which must not change
/// what it stands for: a window asks after every row.
pub fn finish_mut<S: 'static, T>(
    mut internal: Internal,
    answer: impl FnOnce(&mut S) -> T,
) -> Option<T> {
    // SAFETY: a state of this aggregate.
    unsafe { internal.get_mut::<S>() }.map(answer)
}
