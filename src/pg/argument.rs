//! Arguments that refuse NULL with an SQLSTATE rather than by a panic.

use std::ffi::CStr;
use std::ops::Deref;

use pgrx::callconv::{Arg, ArgAbi};
use pgrx::datum::{Array, Datum, UnboxDatum};
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
    array_argument_sql,
};
use pgrx::{FromDatum, PgSqlErrorCode, impl_sql_translatable, pg_sys, varlena};

/// A `text` argument that must be given.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a>(pub &'a str);

/// An `integer` argument that must be given.
#[derive(Clone, Copy, Debug)]
pub struct Whole(pub i32);

/// An array argument that must be given, without NULL elements.
#[derive(Clone, Debug)]
pub struct List<T>(pub Vec<T>);

/// A `jsonb` argument that must be given.
#[derive(Clone, Debug)]
pub struct Document(pub serde_json::Value);

impl_sql_translatable!(Document, "jsonb");
impl_sql_translatable!(Name<'_>, "text");
impl_sql_translatable!(Whole, "integer");

// SAFETY: the SQL type is the array of the element's.
unsafe impl<T: SqlTranslatable> SqlTranslatable for List<T> {
    const TYPE_IDENT: &'static str = T::TYPE_IDENT;
    const TYPE_ORIGIN: TypeOrigin = T::TYPE_ORIGIN;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = array_argument_sql(T::ARGUMENT_SQL);
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Err(ReturnsError::NestedArray);
}

impl<T> Deref for List<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

fn null_refused(message: &str, detail: String) -> ErrorReport {
    ErrorReport::new(PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED, message.to_owned(), "")
        .set_detail(detail)
        .set_hint("Give a value, or leave the argument out where it has a default.".to_owned())
}

/// Reads an argument through `FromDatum`, refusing NULL.
///
/// # Safety
/// The argument's SQL type must be the one `T` reads.
pub(super) unsafe fn given<T: FromDatum>(arg: Arg<'_, '_>) -> T {
    let index = arg.index();
    // SAFETY: the caller vouches for the type; NULL comes back as None.
    unsafe { arg.unbox_arg_using_from_datum::<T>() }
        .ok_or_else(|| {
            null_refused(
                "an argument that must be given is NULL",
                format!("Argument {} is NULL.", index + 1),
            )
        })
        .unwrap_or_report()
}

// SAFETY: declared in SQL as text.
unsafe impl<'fcx> ArgAbi<'fcx> for Name<'fcx> {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: declared as text. The bytes live in the call's memory context, so for 'fcx.
        Name(unsafe { given::<&'fcx str>(arg) })
    }
}

// SAFETY: declared in SQL as integer.
unsafe impl<'fcx> ArgAbi<'fcx> for Whole {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: declared as integer.
        Whole(unsafe { given::<i32>(arg) })
    }
}

impl FromDatum for Document {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        if null {
            return None;
        }
        // SAFETY: the caller vouches that a datum that is not NULL is a jsonb. The text is palloc'd
        // in the call's memory context and read before anything else happens there.
        let text = unsafe {
            let plain = pg_sys::pg_detoast_datum(datum.cast_mut_ptr());
            let jsonb: *mut pg_sys::Jsonb = plain.cast();
            let length = varlena::varsize(plain) - pg_sys::VARHDRSZ;
            let root = &raw mut (*jsonb).root;
            CStr::from_ptr(pg_sys::JsonbToCString(std::ptr::null_mut(), root, length as i32))
        };
        let read = |text: &CStr| serde_json::from_slice(text.to_bytes());
        Some(Document(read(text).map_err(|error| unreadable(&error)).unwrap_or_report()))
    }
}

/// A document that PostgreSQL holds and this library does not: numbers beyond a double, or more
/// than 128 levels.
fn unreadable(error: &serde_json::Error) -> ErrorReport {
    ErrorReport::new(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        "a JSON document cannot be read",
        "",
    )
    .set_detail(format!("The reason is: {error}."))
    .set_hint("Give numbers within double precision, or as strings, and fewer levels.".to_owned())
}

// SAFETY: declared in SQL as jsonb.
unsafe impl<'fcx> ArgAbi<'fcx> for Document {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: declared as jsonb.
        unsafe { given(arg) }
    }
}

impl FromDatum for Whole {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        (!null).then(|| Whole(datum.value() as i32))
    }
}

// SAFETY: an integer is passed by value.
unsafe impl UnboxDatum for Whole {
    type As<'src> = Whole;
    unsafe fn unbox<'src>(datum: Datum<'src>) -> Self
    where
        Self: 'src,
    {
        Whole(datum.sans_lifetime().value() as i32)
    }
}

// SAFETY: declared in SQL as the array of T's type.
unsafe impl<'fcx, T> ArgAbi<'fcx> for List<T>
where
    T: FromDatum + for<'a> UnboxDatum<As<'a> = T> + 'static,
{
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: declared as the array of T's type.
        let array = unsafe { given::<Array<'fcx, T>>(arg) };
        let mut values = Vec::with_capacity(array.len());
        for (index, element) in array.iter().enumerate() {
            values.push(
                element
                    .ok_or_else(|| {
                        null_refused(
                            "an array element is NULL",
                            format!("Element {} is NULL.", index + 1),
                        )
                    })
                    .unwrap_or_report(),
            );
        }
        List(values)
    }
}
