//! Price lists as rows.

use chrono::{DateTime, Utc};
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use pgrx::{JsonB, check_for_interrupts};

use crate::domain::feed::{self, Format, ListError};
use crate::pg::{Coded, Document, Num, OrRefuse};

impl Coded for ListError {
    fn code(&self) -> Option<&'static str> {
        ListError::code(self)
    }
}

/// Microseconds from 1970 to 2000, from which the server counts.
const SERVER_EPOCH_MICROS: i64 = 946_684_800_000_000;

/// A moment as the server counts it. Those of quotes lie within its years.
fn moment(at: DateTime<Utc>) -> Option<TimestampWithTimeZone> {
    TimestampWithTimeZone::try_from(at.timestamp_micros() - SERVER_EPOCH_MICROS).ok()
}

/// The rows of a price list by a format: quotes, and faults with their reasons.
#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn read_prices(
    list: &[u8],
    format: Document,
) -> TableIterator<
    'static,
    (
        name!(row_number, i32),
        name!(symbol, Option<String>),
        name!(priced_at, Option<TimestampWithTimeZone>),
        name!(bid, Option<Num>),
        name!(ask, Option<Num>),
        name!(mid, Option<Num>),
        name!(currency, Option<String>),
        name!(raw, JsonB),
        name!(fault, Option<String>),
    ),
> {
    let format = Format::from_json(format.0).or_refuse();
    let meanwhile = || {
        check_for_interrupts!();
    };
    let rows = feed::read(list, &format, meanwhile).or_refuse();
    TableIterator::new(rows.into_iter().map(|row| {
        let (number, raw) = (row.number as i32, JsonB(row.raw));
        match row.read {
            Ok(quote) => (
                number,
                Some(quote.symbol),
                quote.at.and_then(moment),
                quote.bid.map(Num),
                quote.ask.map(Num),
                quote.mid.map(Num),
                Some(quote.currency),
                raw,
                None,
            ),
            Err(fault) => {
                (number, None, None, None, None, None, None, raw, Some(fault.to_string()))
            }
        }
    }))
}
