//! Lists in JSON. The document is taken apart as text, so that a row is kept to the letter and a number
//! is never anything but its digits.

use serde_json::Value;
use serde_json::value::RawValue;

use super::error::{Fault, ListError};
use super::format::{Each, Given, Keyed, Paths, Rooted, Source};
use super::pointer::{Found, at, elements, members, text};
use super::raw::storable;
use super::{ROWS_MAX, Row, quote};

/// Reads a document.
pub fn read(list: &str, paths: &Paths, mut meanwhile: impl FnMut()) -> Result<Vec<Row>, ListError> {
    let root: &RawValue = serde_json::from_str(list)
        .map_err(|error| ListError::NotJson { line: error.line(), column: error.column() })?;
    let no_rows = |wanted| ListError::NoRows { place: paths.rows.clone(), wanted };
    let place = at(root, &paths.rows)
        .map_err(|_| no_rows("one member of the name"))?
        .ok_or_else(|| no_rows("something"))?;
    let found: Vec<(Option<String>, &RawValue)> = match paths.each {
        Each::Element => elements(place)
            .ok_or_else(|| no_rows("an array"))?
            .into_iter()
            .map(|element| (None, element))
            .collect(),
        Each::Member => members(place)
            .ok_or_else(|| no_rows("an object"))?
            .into_iter()
            .map(|(name, member)| (Some(name), member))
            .collect(),
        Each::Whole => vec![(None, place)],
    };
    if found.len() > ROWS_MAX {
        return Err(ListError::TooMany);
    }
    let once = Once::of(root, paths);
    let rows = found.into_iter().zip(1..).map(|((key, value), number)| {
        meanwhile();
        row(&once, key.as_deref(), value, number, paths)
    });
    Ok(rows.collect())
}

/// What stands once in the document, looked up once.
struct Once<'a>(Vec<(&'a str, Found<'a>)>);

impl<'a> Once<'a> {
    fn of(root: &'a RawValue, paths: &'a Paths) -> Self {
        let pointers = paths.fields.sources().filter_map(|source| match source {
            Source::Root(Rooted { root }) => Some(root.as_str()),
            _ => None,
        });
        Self(pointers.map(|pointer| (pointer, at(root, pointer))).collect())
    }

    fn at(&self, pointer: &str) -> Found<'a> {
        let known = self.0.iter().find(|(known, _)| *known == pointer);
        known.map_or(Ok(None), |(_, found)| found.clone())
    }
}

fn row(once: &Once<'_>, key: Option<&str>, value: &RawValue, number: usize, paths: &Paths) -> Row {
    let told = |name: &'static str, found: Found<'_>| match found {
        Ok(Some(found)) => text(name, found),
        Ok(None) => Ok(None),
        Err(twice) => Err(Fault::Twice { field: name, name: twice }),
    };
    let field = |name: &'static str, source: &Source| match source {
        Source::Row(pointer) => told(name, at(value, pointer)),
        Source::Root(Rooted { root }) => told(name, once.at(root)),
        Source::Value(Given { value }) => Ok(Some(value.clone())),
        Source::Key(Keyed { .. }) => Ok(key.map(str::to_owned)),
    };
    let key_is_storable = key.is_none_or(|key| !key.contains('\0'));
    match storable(value.get()).filter(|_| key_is_storable) {
        Some(raw) => Row { number, raw: named(key, raw), read: quote(field, &paths.fields) },
        None => {
            // As JSON within a text it is nothing but letters.
            let name = key.map(|key| format!("{}: ", key.replace('\0', "\u{FFFD}")));
            let raw = Value::String(name.unwrap_or_default() + value.get());
            Row { number, raw, read: Err(Fault::NotStorable) }
        }
    }
}

/// A row that is a member is kept with its name.
fn named(key: Option<&str>, raw: Value) -> Value {
    match key {
        Some(key) => Value::Object([(key.to_owned(), raw)].into_iter().collect()),
        None => raw,
    }
}
