//! Lists of lines of fields (RFC 4180).

use csv::{ByteRecord, ReaderBuilder};
use serde_json::Value;

use super::error::{Fault, ListError};
use super::format::{Columns, Given, Source};
use super::{ROWS_MAX, Row, quote};

/// Reads lines. Empty ones are none.
pub fn read(
    bytes: &[u8],
    columns: &Columns,
    mut meanwhile: impl FnMut(),
) -> Result<Vec<Row>, ListError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut lines = ReaderBuilder::new()
        .delimiter(columns.delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes)
        .into_byte_records();
    let no_rows = || ListError::NoRows { place: "the beginning".to_owned(), wanted: "a header" };
    let header = lines.next().and_then(Result::ok).ok_or_else(no_rows)?;
    let header: Vec<String> = texts(&header).ok_or(ListError::NotUtf8)?;
    for source in columns.fields.sources() {
        if let Source::Row(column) = source {
            let found = header.iter().filter(|name| *name == column).count();
            if found != 1 {
                return Err(ListError::Header { column: column.clone(), found });
            }
        }
    }
    let mut rows = Vec::new();
    for (line, number) in lines.zip(1..) {
        meanwhile();
        if number > ROWS_MAX {
            return Err(ListError::TooMany);
        }
        // Nothing but the reading of bytes that are there already could fail.
        rows.push(row(&line.map_err(|_| no_rows())?, &header, number, columns));
    }
    Ok(rows)
}

/// The fields as text without blanks around the names; nothing where one is not text.
fn texts(line: &ByteRecord) -> Option<Vec<String>> {
    line.iter()
        .map(|field| std::str::from_utf8(field).ok().map(|text| text.trim().to_owned()))
        .collect()
}

fn row(line: &ByteRecord, header: &[String], number: usize, columns: &Columns) -> Row {
    let shown =
        |field: &[u8]| Value::String(String::from_utf8_lossy(field).replace('\0', "\u{FFFD}"));
    let listed = || Value::Array(line.iter().map(shown).collect());
    let fault = |fault| Row { number, raw: listed(), read: Err(fault) };
    let Some(fields) = texts(line) else { return fault(Fault::NotUtf8) };
    if fields.len() != header.len() {
        return fault(Fault::Width { found: fields.len(), wanted: header.len() });
    }
    if fields.iter().any(|field| field.contains('\0')) {
        return fault(Fault::NotStorable);
    }
    let field = |_: &'static str, source: &Source| {
        Ok(match source {
            Source::Row(column) => header
                .iter()
                .zip(&fields)
                .find(|(name, _)| *name == column)
                .map(|(_, text)| text.clone()),
            Source::Value(Given { value }) => Some(value.clone()),
            Source::Root(_) | Source::Key(_) => None,
        })
    };
    let mut names: Vec<&String> = header.iter().collect();
    names.sort();
    names.dedup();
    // With a name twice an object would lose a field; what is no text cannot be a name.
    let raw = if names.len() == header.len() && !header.iter().any(|name| name.contains('\0')) {
        let members = header.iter().cloned().zip(line.iter().map(shown));
        Value::Object(members.collect())
    } else {
        listed()
    };
    Row { number, raw, read: quote(field, &columns.fields) }
}
