//! Price lists: bytes from elsewhere, read into quotes by a format that is data.
//!
//! Every row of a list becomes a quote or a fault with its reason, and keeps what was given, so that
//! nothing is lost and nothing is guessed. Numbers are read digit by digit and never through a binary
//! fraction.

mod csv;
mod error;
mod format;
mod json;
pub(in crate::domain) mod pointer;
mod raw;
mod scalar;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;

pub use error::{Fault, ListError};
pub use format::{Columns, Each, Format, Given, Numbers, Paths, Rooted, Source, Times};
pub(in crate::domain) use scalar::{number, time};

/// Most rows of a list.
pub const ROWS_MAX: usize = 200_000;

/// A price as its source gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What the source calls that which has the price.
    pub symbol: String,
    /// When it had the price; nothing where the source does not say.
    pub at: Option<DateTime<Utc>>,
    /// At which it is bought.
    pub bid: Option<Decimal>,
    /// At which it is sold.
    pub ask: Option<Decimal>,
    /// Between the two, or the one price there is.
    pub mid: Option<Decimal>,
    /// In which currency, as the source names it.
    pub currency: String,
}

/// A row of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its place, from one.
    pub number: usize,
    /// What was given. Where no database could keep that as it is, its text.
    pub raw: Value,
    /// What it says, or why it says nothing.
    pub read: Result<Quote, Fault>,
}

/// Reads a list. `meanwhile` is called before each row, for lists may be long.
///
/// # Errors
/// [`ListError`] where there are no rows to be found in it at all.
pub fn read(bytes: &[u8], format: &Format, meanwhile: impl FnMut()) -> Result<Vec<Row>, ListError> {
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes));
    match format {
        Format::Json(paths) => json::read(text.map_err(|_| ListError::NotUtf8)?, paths, meanwhile),
        Format::Csv(columns) => csv::read(bytes, columns, meanwhile),
    }
}

/// A field of a row: its text, nothing where it is missing or empty.
type Field = Result<Option<String>, Fault>;

/// A quote of its fields, whichever way they are found.
fn quote(
    field: impl Fn(&'static str, &Source) -> Field,
    fields: &format::Fields,
) -> Result<Quote, Fault> {
    let text = |name: &'static str, source: Option<&Source>| match source {
        Some(source) => field(name, source)
            .map(|text| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())),
        None => Ok(None),
    };
    let needed = |name: &'static str, source: &Source| {
        text(name, Some(source))?.ok_or(Fault::Missing { field: name })
    };
    let price = |name: &'static str, source: Option<&Source>| {
        text(name, source)?.map(|text| number(name, &text, &fields.numbers)).transpose()
    };
    let symbol = needed("symbol", &fields.symbol)?;
    let currency = needed("currency", &fields.currency)?;
    let at = match &fields.at {
        Some(source) => Some(time("at", &needed("at", source)?, &fields.times)?),
        None => None,
    };
    let bid = price("bid", fields.bid.as_ref())?;
    let ask = price("ask", fields.ask.as_ref())?;
    let mid = price("mid", fields.mid.as_ref())?;
    if bid.is_none() && ask.is_none() && mid.is_none() {
        return Err(Fault::NoPrice);
    }
    Ok(Quote { symbol, at, bid, ask, mid, currency })
}

#[cfg(test)]
mod tests;
