//! Formats as data.

use chrono::format::{Item, StrftimeItems};
use chrono::{FixedOffset, NaiveTime};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::error::ListError;

/// How a list is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON document.
    Json(Paths),
    /// Lines of fields, the first of which names the columns.
    Csv(Columns),
}

/// Where a field is found.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "a path or column, or an object with value, root or key")]
pub enum Source {
    /// In a row: by a JSON pointer (RFC 6901) from the row, or by the name of a column.
    Row(String),
    /// The same for all rows.
    Value(Given),
    /// Once in the document, by a JSON pointer from its root.
    Root(Rooted),
    /// The name of the member that is the row.
    Key(Keyed),
}

/// What is the same for all rows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// The text of the field.
    pub value: String,
}

/// What stands once in a document.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rooted {
    /// The JSON pointer.
    pub root: String,
}

/// What names a row.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyed {
    /// Always true.
    pub key: bool,
}

/// What of a JSON document is a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Each {
    /// Each element of an array.
    #[default]
    Element,
    /// Each member of an object.
    Member,
    /// All of it.
    Whole,
}

/// How a JSON document is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// Where the rows are, as a JSON pointer.
    pub rows: String,
    /// What is a row there.
    pub each: Each,
    pub(super) fields: Fields,
}

/// How lines of fields are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// What parts the fields.
    pub delimiter: u8,
    pub(super) fields: Fields,
}

/// How numbers are written where they are text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// What stands before the decimals.
    pub decimal: char,
    /// What parts groups of digits.
    pub group: Option<char>,
}

/// How times are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    pub(super) written: Written,
    /// How far ahead of UTC the clock is where the text does not say.
    pub offset: FixedOffset,
    /// At which time of day a price is of which only the day is said.
    pub time_of_day: NaiveTime,
}

impl Times {
    /// Times written so (iso where it is not said), by a clock so far ahead of UTC.
    ///
    /// # Errors
    /// What is wrong, as a sentence.
    pub fn new(time: Option<String>, offset_from_utc: &str) -> Result<Self, &'static str> {
        let (written, offset) = (written(time)?, offset(offset_from_utc)?);
        Ok(Self { written, offset, time_of_day: NaiveTime::MIN })
    }
}

impl Numbers {
    /// Numbers with this before the decimals, and perhaps that between groups of digits.
    ///
    /// # Errors
    /// What is wrong, as a sentence.
    pub fn new(decimal: char, group: Option<char>) -> Result<Self, &'static str> {
        numbers(decimal, group)
    }
}

/// What a time looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Iso,
    EpochSeconds,
    EpochMilliseconds,
    Pattern(String),
}

/// The fields of a quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    pub symbol: Source,
    pub at: Option<Source>,
    pub bid: Option<Source>,
    pub ask: Option<Source>,
    pub mid: Option<Source>,
    pub currency: Source,
    pub times: Times,
    pub numbers: Numbers,
}

impl Fields {
    /// Every source there is.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        [Some(&self.symbol), self.at.as_ref(), self.bid.as_ref(), self.ask.as_ref()]
            .into_iter()
            .chain([self.mid.as_ref(), Some(&self.currency)])
            .flatten()
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Type {
    Json,
    Csv,
}

/// A format as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    r#type: Type,
    rows: Option<String>,
    each: Option<Each>,
    #[serde(default, deserialize_with = "one_letter")]
    delimiter: Option<char>,
    symbol: Source,
    at: Option<Source>,
    bid: Option<Source>,
    ask: Option<Source>,
    mid: Option<Source>,
    currency: Source,
    time: Option<String>,
    offset: Option<String>,
    time_of_day: Option<NaiveTime>,
    #[serde(default, deserialize_with = "one_letter")]
    decimal: Option<char>,
    #[serde(default, deserialize_with = "one_letter")]
    group: Option<char>,
}

fn one_letter<'de, D: Deserializer<'de>>(from: D) -> Result<Option<char>, D::Error> {
    char::deserialize(from).map(Some).map_err(|_| de::Error::custom("expected one letter"))
}

impl Format {
    /// Reads a format.
    ///
    /// # Errors
    /// [`ListError::Format`] with the path of what is wrong.
    pub fn from_json(document: Value) -> Result<Self, ListError> {
        let wire: Wire = serde_path_to_error::deserialize(document).map_err(|error| {
            let reason = error.inner().to_string();
            ListError::Format(format!("{}: {reason}", error.path()))
        })?;
        wire.read().map_err(|reason| ListError::Format(reason.to_owned()))
    }
}

impl Wire {
    fn read(self) -> Result<Format, &'static str> {
        if self.bid.is_none() && self.ask.is_none() && self.mid.is_none() {
            return Err("one of bid, ask and mid is needed");
        }
        let fields = Fields {
            times: Times {
                written: written(self.time)?,
                offset: offset(self.offset.as_deref().unwrap_or("+00:00"))?,
                time_of_day: self.time_of_day.unwrap_or(NaiveTime::MIN),
            },
            numbers: numbers(self.decimal.unwrap_or('.'), self.group)?,
            symbol: self.symbol,
            at: self.at,
            bid: self.bid,
            ask: self.ask,
            mid: self.mid,
            currency: self.currency,
        };
        match self.r#type {
            Type::Json => json(self.rows, self.each.unwrap_or_default(), self.delimiter, fields),
            Type::Csv => {
                if self.rows.is_some() || self.each.is_some() {
                    return Err("rows and each are for JSON");
                }
                csv(self.delimiter.unwrap_or(','), fields)
            }
        }
    }
}

fn json(
    rows: Option<String>,
    each: Each,
    delimiter: Option<char>,
    fields: Fields,
) -> Result<Format, &'static str> {
    let rows = rows.unwrap_or_default();
    let is_pointer = |text: &str| text.is_empty() || text.starts_with('/');
    let fits = |source: &Source| match source {
        Source::Row(path) | Source::Root(Rooted { root: path }) => is_pointer(path),
        Source::Value(_) => true,
        Source::Key(Keyed { key }) => *key && each == Each::Member,
    };
    if delimiter.is_some() {
        return Err("delimiter is for CSV");
    }
    if !is_pointer(&rows) {
        return Err("rows: a JSON pointer is empty or begins with /");
    }
    if !fields.sources().all(fits) {
        return Err(
            "a field is a JSON pointer, which is empty or begins with /; key is for members",
        );
    }
    Ok(Format::Json(Paths { rows, each, fields }))
}

fn csv(delimiter: char, fields: Fields) -> Result<Format, &'static str> {
    let fits = |source: &Source| matches!(source, Source::Row(_) | Source::Value(_));
    if !fields.sources().all(fits) {
        return Err("root and key are for JSON");
    }
    let delimiter = u8::try_from(delimiter)
        .ok()
        .filter(|byte| byte.is_ascii() && !b"\"\r\n\0".contains(byte))
        .ok_or("delimiter: that letter cannot part fields")?;
    Ok(Format::Csv(Columns { delimiter, fields }))
}

fn written(time: Option<String>) -> Result<Written, &'static str> {
    Ok(match time.as_deref() {
        None | Some("iso") => Written::Iso,
        Some("epoch_seconds") => Written::EpochSeconds,
        Some("epoch_milliseconds") => Written::EpochMilliseconds,
        Some(pattern) => {
            let mut items = StrftimeItems::new(pattern);
            if !pattern.contains('%') || items.any(|item| item == Item::Error) {
                return Err(
                    "time: iso, epoch_seconds, epoch_milliseconds, or a pattern as %d.%m.%Y",
                );
            }
            Written::Pattern(pattern.to_owned())
        }
    })
}

/// `+05:30` and the like; a name would have to be looked up in tables that change.
fn offset(text: &str) -> Result<FixedOffset, &'static str> {
    text.parse().map_err(|_| "offset: hours and minutes ahead of UTC are needed, such as +05:30")
}

fn numbers(decimal: char, group: Option<char>) -> Result<Numbers, &'static str> {
    let fits = |letter: char| !letter.is_ascii_alphanumeric() && !"+-".contains(letter);
    if !fits(decimal) || !group.is_none_or(fits) || group == Some(decimal) {
        return Err("decimal and group: two letters that are not of numbers are needed");
    }
    Ok(Numbers { decimal, group })
}
