//! Transition functions whose rows cost a few nanoseconds.
//!
//! The wrapper of `pg_extern` switches the memory context, takes the arguments one by one and copies
//! the answer from call to call, which takes longer than to add a number. [`transitions`] makes functions
//! that the server calls directly: they read their arguments where they lie and hand back the pointer
//! they were given. Their SQL is declared by hand, in `sql/engine/`.

use pgrx::pg_sys::panic::ErrorReportable;
use pgrx::pg_sys::{self, Datum, NullableDatum};

use super::aggregate::make;
use super::date::Day;
use super::error::report;
use crate::domain::error::Refusal;

/// An argument as it is given, or nothing for NULL.
pub trait Given: Sized {
    /// Reads an argument that is not NULL.
    ///
    /// # Safety
    /// The argument must be declared in SQL as the type that is read.
    unsafe fn read(datum: Datum) -> Self;
}

impl Given for f64 {
    unsafe fn read(datum: Datum) -> Self {
        f64::from_bits(datum.value() as u64)
    }
}

impl Given for i32 {
    unsafe fn read(datum: Datum) -> Self {
        datum.value() as i32
    }
}

impl Given for Day {
    unsafe fn read(datum: Datum) -> Self {
        Self::from_number(datum.value() as i32).unwrap_or_report()
    }
}

/// The arguments of a row behind the state.
pub trait Arguments {
    /// Reads them.
    ///
    /// # Safety
    /// They must be declared in SQL as the types that are read.
    unsafe fn read(given: &[NullableDatum]) -> Self;
}

/// # Safety
/// As [`Given::read`].
#[inline]
unsafe fn argument<T: Given>(given: &[NullableDatum], place: usize) -> Option<T> {
    // SAFETY: as the caller vouches.
    given.get(place).filter(|one| !one.isnull).map(|one| unsafe { T::read(one.value) })
}

macro_rules! arguments {
    ($($type:ident $place:literal),*) => {
        impl<$($type: Given),*> Arguments for ($(Option<$type>,)*) {
            #[inline]
            unsafe fn read(given: &[NullableDatum]) -> Self {
                // SAFETY: as the caller vouches.
                unsafe { ($(argument::<$type>(given, $place),)*) }
            }
        }
    };
}
arguments!(A 0);
arguments!(A 0, B 1);
arguments!(A 0, B 1, C 2);

/// Changes the state behind the first argument by the others, and hands it back.
///
/// # Safety
/// The call must be the server's, of a transition function declared with an `internal` that is a
/// pointer to `S` or NULL, and with arguments of the types of `A`.
pub unsafe fn advance<S: Default + 'static, A: Arguments, R: Refusal>(
    fcinfo: pg_sys::FunctionCallInfo,
    change: fn(&mut S, A) -> Result<(), R>,
) -> Datum {
    // SAFETY: as the caller vouches; the state is made here, and used by one call at a time.
    unsafe {
        pg_sys::submodules::panic::pgrx_extern_c_guard(|| {
            let given = (*fcinfo).args.as_slice(usize::try_from((*fcinfo).nargs).unwrap_or(0));
            let state = match given.first() {
                Some(state) if !state.isnull => state.value,
                _ => make::<S>(fcinfo).unwrap_or_report(),
            };
            if let Err(refusal) =
                change(&mut *state.cast_mut_ptr(), A::read(given.get_unchecked(1..)))
            {
                raise(&refusal);
            }
            state
        })
    }
}

#[cold]
fn raise(refusal: &impl Refusal) {
    Err(report(refusal)).unwrap_or_report()
}

/// Makes transition functions of ordinary ones, which change a state by arguments that may be NULL.
macro_rules! transitions {
    ($(fn $name:ident($state:ident: &mut $kind:ty $(, $arg:ident: $type:ty)* $(,)?) $body:block)*) => {$(
        // SAFETY: no other symbol has this name; it is declared in SQL with these arguments.
        #[unsafe(no_mangle)]
        unsafe extern "C-unwind" fn $name(
            fcinfo: pgrx::pg_sys::FunctionCallInfo,
        ) -> pgrx::pg_sys::Datum {
            #[inline(always)]
            fn change(
                $state: &mut $kind,
                ($($arg,)*): ($($type,)*),
            ) -> Result<(), crate::domain::market::MarketError> $body
            // SAFETY: the server calls this as it is declared.
            unsafe { crate::pg::advance(fcinfo, change) }
        }

        const _: () = {
            // SAFETY: the name that the server looks for beside the function's.
            #[unsafe(export_name = concat!("pg_finfo_", stringify!($name)))]
            extern "C" fn version() -> &'static pgrx::pg_sys::Pg_finfo_record {
                &pgrx::pg_sys::Pg_finfo_record { api_version: 1 }
            }
        };
    )*};
}
pub(crate) use transitions;
