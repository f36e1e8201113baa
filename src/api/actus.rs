//! ACTUS contracts as events.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use serde_json::Value;

use crate::domain::actus;
use crate::pg::{Day, Document, Num, OrReport};

#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn actus_events(
    terms: Document,
    observed: default!(Option<Document>, "NULL"),
    until: default!(Option<Day>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(event_date, Day),
            name!(end_of_day, bool),
            name!(event_type, &'static str),
            name!(payoff, Num),
            name!(currency, &'static str),
            name!(notional_principal, Num),
            name!(nominal_interest_rate, Num),
            name!(accrued_interest, Num),
        ),
    >,
    ErrorReport,
> {
    let observed = observed.map_or(Value::Null, |document| document.0);
    let events = actus::events(&terms.0, &observed, until.map(|day| day.0)).or_report()?;
    Ok(TableIterator::new(events.into_iter().map(|event| {
        (
            Day(event.time.date()),
            event.time.is_end_of_day(),
            event.event_type.code(),
            Num(event.payoff),
            event.currency,
            Num(event.notional_principal),
            Num(event.nominal_interest_rate),
            Num(event.accrued_interest),
        )
    })))
}
