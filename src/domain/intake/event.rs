//! What an event of a provider says of payments, by a mapping that is data.
//!
//! ```json
//! {"event_id": "/id", "type": "/type", "only": ["payment.succeeded"],
//!  "reference": "/data/id", "loan_no": "/data/metadata/loan", "amount": "/data/amount",
//!  "amount_in": "minor_units", "currency": "/data/currency", "occurred_at": "/created",
//!  "time": "epoch_seconds"}
//! ```
//!
//! A field is found by a JSON pointer (RFC 6901) from the payment, or from the root of the document, or
//! is the same for all. Numbers are their digits, as they were written.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::IntakeError;
use crate::domain::feed::pointer::{at, elements, text};
use crate::domain::feed::{Fault, Given, Numbers, Rooted, Source, Times, number, time};
use crate::domain::money::currency;

/// Most payments of one event.
pub const PAYMENTS_MAX: usize = 10_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AmountIn {
    #[default]
    Units,
    MinorUnits,
}

/// A mapping as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    event_id: Option<Source>,
    r#type: Option<Source>,
    only: Option<Vec<String>>,
    payments: Option<String>,
    reference: Source,
    amount: Source,
    #[serde(default)]
    amount_in: AmountIn,
    currency: Option<Source>,
    loan_no: Option<Source>,
    party_no: Option<Source>,
    legal_entity: Option<Source>,
    direction: Option<Source>,
    kind: Option<Source>,
    method: Option<Source>,
    channel: Option<Source>,
    occurred_at: Option<Source>,
    time: Option<String>,
    offset: Option<String>,
    decimal: Option<char>,
    group: Option<char>,
}

/// How an event is read.
#[derive(Clone, Debug)]
pub struct Mapping {
    event_id: Option<Source>,
    r#type: Option<Source>,
    only: Option<Vec<String>>,
    payments: Option<String>,
    fields: Vec<(&'static str, Source)>,
    amount_in: AmountIn,
    times: Times,
    numbers: Numbers,
}

/// A payment that an event tells of, in the text of an inbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its name at the provider.
    pub reference: Option<String>,
    /// Whose payment it is: the number of a loan.
    pub loan_no: Option<String>,
    /// The number of a party.
    pub party_no: Option<String>,
    /// The code of who received it.
    pub legal_entity: Option<String>,
    /// In or out.
    pub direction: Option<String>,
    /// How it came about.
    pub kind: Option<String>,
    /// Transfer, card and so on.
    pub method: Option<String>,
    /// Where it was taken.
    pub channel: Option<String>,
    /// How much, in currency units.
    pub amount: Option<String>,
    /// ISO 4217 code of the amount.
    pub currency: Option<String>,
    /// When it happened there.
    pub occurred_at: Option<DateTime<Utc>>,
    /// The day of that, by the provider's clock.
    pub value_date: Option<String>,
}

impl Mapping {
    /// Reads a mapping.
    ///
    /// # Errors
    /// [`IntakeError::Mapping`].
    pub fn from_json(document: Value) -> Result<Self, IntakeError> {
        let wire: Wire = serde_path_to_error::deserialize(document)
            .map_err(|error| IntakeError::Mapping(error.to_string()))?;
        let refused = |reason: &str| IntakeError::Mapping(reason.to_owned());
        let offset = wire.offset.as_deref().unwrap_or("+00:00");
        let times = Times::new(wire.time, offset).map_err(refused)?;
        let numbers = Numbers::new(wire.decimal.unwrap_or('.'), wire.group).map_err(refused)?;
        let optional = [
            ("currency", wire.currency),
            ("loan_no", wire.loan_no),
            ("party_no", wire.party_no),
            ("legal_entity", wire.legal_entity),
            ("direction", wire.direction),
            ("kind", wire.kind),
            ("method", wire.method),
            ("channel", wire.channel),
            ("occurred_at", wire.occurred_at),
        ];
        let mut fields = vec![("reference", wire.reference), ("amount", wire.amount)];
        fields.extend(optional.into_iter().filter_map(|(name, source)| Some((name, source?))));
        let is_pointer = |text: &str| text.is_empty() || text.starts_with('/');
        let fits = |source: &Source| match source {
            Source::Row(path) | Source::Root(Rooted { root: path }) => is_pointer(path),
            Source::Value(_) => true,
            Source::Key(_) => false,
        };
        let all = fields.iter().map(|(_, source)| source);
        if !all.chain(&wire.event_id).chain(&wire.r#type).all(fits)
            || !wire.payments.as_deref().is_none_or(is_pointer)
        {
            return Err(refused("a field is a JSON pointer, which is empty or begins with /"));
        }
        if wire.only.is_some() && wire.r#type.is_none() {
            return Err(refused("only: say where the type is"));
        }
        Ok(Self {
            event_id: wire.event_id,
            r#type: wire.r#type,
            only: wire.only,
            payments: wire.payments,
            fields,
            amount_in: wire.amount_in,
            times,
            numbers,
        })
    }

    /// The name of an event; nothing where the mapping says none, or the document is none or has none.
    pub fn event_id(&self, body: &[u8]) -> Option<String> {
        let root: &RawValue = serde_json::from_slice(body).ok()?;
        let id = field("event_id", self.event_id.as_ref()?, root, root).ok()??;
        (!id.is_empty() && id.len() <= 255 && !id.contains('\0')).then_some(id)
    }

    /// The payments of an event, each read or with its fault; none of an event that is of none.
    ///
    /// # Errors
    /// Why the document is no event.
    pub fn read(&self, body: &[u8]) -> Result<Vec<Result<Event, String>>, String> {
        let root: &RawValue = serde_json::from_slice(body)
            .map_err(|error| format!("the body is not JSON: {error}"))?;
        if let (Some(source), Some(only)) = (&self.r#type, &self.only) {
            let name = field("type", source, root, root).map_err(|fault| fault.to_string())?;
            let name = name.ok_or_else(|| "type is missing".to_owned())?;
            if !only.contains(&name) {
                return Ok(Vec::new());
            }
        }
        let rows = match &self.payments {
            None => vec![root],
            Some(place) => at(root, place)
                .ok()
                .flatten()
                .and_then(elements)
                .ok_or_else(|| format!("there is no list at \"{place}\""))?,
        };
        if rows.len() > PAYMENTS_MAX {
            return Err(format!("there are more than {PAYMENTS_MAX} payments"));
        }
        Ok(rows.into_iter().map(|row| self.payment(root, row).map_err(|f| f.to_string())).collect())
    }

    fn payment(&self, root: &RawValue, row: &RawValue) -> Result<Event, Fault> {
        let mut event = Event::default();
        let mut amount = None;
        for (name, source) in &self.fields {
            let Some(given) = field(name, source, root, row)? else { continue };
            let given = given.trim().to_owned();
            if given.is_empty() {
                continue;
            }
            if given.contains('\0') {
                return Err(Fault::NotStorable);
            }
            let place = match *name {
                "amount" => {
                    amount = Some(number("amount", &given, &self.numbers)?);
                    continue;
                }
                "occurred_at" => {
                    let moment = time("occurred_at", &given, &self.times)?;
                    let there = moment.with_timezone(&self.times.offset).date_naive();
                    event.occurred_at = Some(moment);
                    event.value_date = Some(there.to_string());
                    continue;
                }
                "currency" => {
                    event.currency = Some(given.to_ascii_uppercase());
                    continue;
                }
                "reference" => &mut event.reference,
                "loan_no" => &mut event.loan_no,
                "party_no" => &mut event.party_no,
                "legal_entity" => &mut event.legal_entity,
                "direction" => &mut event.direction,
                "kind" => &mut event.kind,
                "method" => &mut event.method,
                _ => &mut event.channel,
            };
            *place = Some(given);
        }
        let missing = |field| Fault::Missing { field };
        if event.reference.is_none() {
            return Err(missing("reference"));
        }
        let amount = amount.ok_or(missing("amount"))?;
        event.amount = Some(self.units(amount, event.currency.as_deref())?.to_string());
        Ok(event)
    }

    /// An amount in currency units.
    fn units(&self, amount: Decimal, code: Option<&str>) -> Result<Decimal, Fault> {
        if self.amount_in == AmountIn::Units {
            return Ok(amount);
        }
        let code = code.ok_or(Fault::Missing { field: "currency" })?;
        let known = currency(code)
            .map_err(|_| Fault::unfit("currency", code, "currency with minor units"))?;
        let unfit = || Fault::unfit("amount", &amount.to_string(), "whole number of minor units");
        let mut units = amount;
        units.set_scale(amount.scale() + known.minor_units).map(|()| units).map_err(|_| unfit())
    }
}

fn field(
    name: &'static str,
    source: &Source,
    root: &RawValue,
    row: &RawValue,
) -> Result<Option<String>, Fault> {
    let found = match source {
        Source::Row(pointer) => at(row, pointer),
        Source::Root(Rooted { root: pointer }) => at(root, pointer),
        Source::Value(Given { value }) => return Ok(Some(value.clone())),
        Source::Key(_) => return Ok(None),
    };
    match found {
        Ok(Some(found)) => text(name, found),
        Ok(None) => Ok(None),
        Err(twice) => Err(Fault::Twice { field: name, name: twice }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mapping(document: Value) -> Mapping {
        Mapping::from_json(document).unwrap()
    }

    fn card() -> Mapping {
        mapping(json!({"event_id": "/id", "type": "/type", "only": ["payment.succeeded"],
            "reference": "/data/id", "amount": "/data/amount", "amount_in": "minor_units",
            "currency": "/data/currency", "loan_no": "/data/metadata/loan",
            "occurred_at": "/created", "time": "epoch_seconds", "method": {"value": "card"}}))
    }

    #[test]
    fn a_card_payment_in_cents() {
        let body = br#"{"id": "evt_1", "type": "payment.succeeded", "created": 1706745599,
            "data": {"id": "py_1", "amount": 10050, "currency": "eur", "metadata": {"loan": "L-1"}}}"#;
        assert_eq!(card().event_id(body).as_deref(), Some("evt_1"));
        let read = card().read(body).unwrap();
        let event = read[0].clone().unwrap();
        assert_eq!(event.amount.as_deref(), Some("100.50"));
        assert_eq!(event.currency.as_deref(), Some("EUR"));
        assert_eq!(event.value_date.as_deref(), Some("2024-01-31"));
        assert_eq!(event.method.as_deref(), Some("card"));
        assert_eq!((read.len(), event.loan_no.as_deref()), (1, Some("L-1")));
        let yen = String::from_utf8_lossy(body).replace("eur", "jpy");
        let read = card().read(yen.as_bytes()).unwrap();
        assert_eq!(read[0].clone().unwrap().amount.as_deref(), Some("10050"));
    }

    #[test]
    fn what_is_no_payment_is_passed_over_and_what_cannot_be_read_says_why() {
        assert_eq!(card().read(br#"{"id": "e", "type": "payment.failed"}"#), Ok(vec![]));
        assert!(card().read(b"not json").is_err());
        assert!(card().read(br#"{"id": "e"}"#).is_err());
        let body = br#"{"id": "e", "type": "payment.succeeded", "data": {"amount": 1}}"#;
        assert_eq!(card().read(body), Ok(vec![Err("reference is missing".into())]));
        assert_eq!(card().event_id(b"[]"), None);
    }

    #[test]
    fn a_payout_tells_of_many() {
        let bank = mapping(json!({"payments": "/rows", "reference": "/ref", "amount": "/sum",
            "decimal": ",", "group": ".", "occurred_at": {"root": "/booked"}, "offset": "+05:30",
            "currency": {"root": "/currency"}, "party_no": "/who"}));
        let body = br#"{"booked": "2024-01-31T20:00:00Z", "currency": "INR",
            "rows": [{"ref": "1", "sum": "1.250,50", "who": 17}, {"ref": "2", "sum": "x"}]}"#;
        let read = bank.read(body).unwrap();
        let first = read[0].clone().unwrap();
        assert_eq!(first.amount.as_deref(), Some("1250.50"));
        assert_eq!(first.party_no.as_deref(), Some("17"));
        // There it is past midnight.
        assert_eq!(first.value_date.as_deref(), Some("2024-02-01"));
        assert!(read[1].is_err());
    }

    #[test]
    fn a_mapping_that_leads_nowhere_is_refused() {
        for document in [
            json!({}),
            json!({"reference": "id", "amount": "/a"}),
            json!({"reference": "/id", "amount": "/a", "only": ["x"]}),
            json!({"reference": "/id", "amount": "/a", "time": "soon"}),
            json!({"reference": "/id", "amount": "/a", "decimal": "1"}),
            json!({"reference": "/id", "amount": "/a", "else": 1}),
        ] {
            assert!(Mapping::from_json(document.clone()).is_err(), "{document}");
        }
    }
}
