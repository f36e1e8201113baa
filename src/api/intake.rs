//! Webhooks: who really said them, and what payments they tell of.

use pgrx::datum::datetime_support::clock_timestamp;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;

use crate::domain::intake::{Event, IntakeError, Mapping, Scheme};
use crate::net::{Failure, credential_text};
use crate::pg::{self, Answer, Coded, Document, Name, OrRefuse, OrReport};

impl Coded for IntakeError {
    fn code(&self) -> Option<&'static str> {
        None
    }
}

impl Coded for Failure {
    fn code(&self) -> Option<&'static str> {
        Some(Failure::code(self))
    }
}

/// Seconds from 1970 to 2000, from which the server counts.
const SERVER_EPOCH_SECONDS: i64 = 946_684_800;

/// Refuses a signature scheme or a mapping that cannot be read.
#[pg_extern(immutable, parallel_safe)]
fn check_webhook_format(scheme: Document, mapping: Document) -> Answer<()> {
    Scheme::from_json(scheme.0).or_report()?;
    Mapping::from_json(mapping.0).or_report().map(|_| ())
}

/// Why it is not proved that the provider said the body; nothing when it is. Headers have any letters.
#[pg_extern(volatile, parallel_restricted)]
fn _webhook_fault(
    scheme: Document,
    secret: Name<'_>,
    headers: Document,
    body: Option<&[u8]>,
    at: default!(Option<TimestampWithTimeZone>, "NULL"),
) -> Answer<Option<String>> {
    let scheme = Scheme::from_json(scheme.0).or_report()?;
    let text = credential_text(pg::credentials().as_deref(), secret.0).or_refuse();
    let secrets = scheme.secrets(&text).or_report()?;
    let Some(body) = body else { return Ok(Some("there is no body".to_owned())) };
    let at: i64 = at.unwrap_or_else(clock_timestamp).into();
    let now_seconds = at.div_euclid(1_000_000) + SERVER_EPOCH_SECONDS;
    let find = |name: &str| {
        let members = headers.0.as_object()?;
        let found = members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        found.1.as_str()
    };
    Ok(scheme.check(&secrets, find, body, now_seconds).err().map(|fault| fault.to_string()))
}

/// The name of an event by the mapping of its provider.
#[pg_extern(immutable, parallel_safe)]
fn _webhook_event_id(body: &[u8], mapping: Document) -> Answer<Option<String>> {
    Ok(Mapping::from_json(mapping.0).or_report()?.event_id(body))
}

/// A moment as the server counts it.
fn moment(event: &Event) -> Option<TimestampWithTimeZone> {
    let micros = event.occurred_at?.timestamp_micros();
    TimestampWithTimeZone::try_from(micros - SERVER_EPOCH_SECONDS * 1_000_000).ok()
}

/// The payments that an event tells of.
#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn read_payments(
    body: &[u8],
    mapping: Document,
) -> TableIterator<
    'static,
    (
        name!(payment_number, i32),
        name!(reference, Option<String>),
        name!(legal_entity, Option<String>),
        name!(direction, Option<String>),
        name!(kind, Option<String>),
        name!(loan_no, Option<String>),
        name!(party_no, Option<String>),
        name!(amount, Option<String>),
        name!(currency, Option<String>),
        name!(value_date, Option<String>),
        name!(method, Option<String>),
        name!(channel, Option<String>),
        name!(occurred_at, Option<TimestampWithTimeZone>),
        name!(fault, Option<String>),
    ),
> {
    let mapping = Mapping::from_json(mapping.0).or_refuse();
    let read = match mapping.read(body) {
        Ok(payments) => payments,
        Err(fault) => vec![Err(fault)],
    };
    TableIterator::new(read.into_iter().zip(1..).map(|(payment, number)| {
        let (event, fault) = match payment {
            Ok(event) => (event, None),
            Err(fault) => (Event::default(), Some(fault)),
        };
        let at = moment(&event);
        (
            number,
            event.reference,
            event.legal_entity,
            event.direction,
            event.kind,
            event.loan_no,
            event.party_no,
            event.amount,
            event.currency,
            event.value_date,
            event.method,
            event.channel,
            at,
            fault,
        )
    }))
}
