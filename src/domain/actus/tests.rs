//! What holds for every contract, and what is refused.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::*;
use crate::domain::error::{Condition, Refusal};

fn with(terms: &Value, changes: Value) -> Value {
    let mut changed = terms.clone();
    for (name, value) in changes.as_object().unwrap() {
        changed[name] = value.clone();
    }
    changed
}

fn pam() -> Value {
    json!({
        "contractType": "PAM", "contractRole": "RPA", "statusDate": "2012-12-30T00:00:00",
        "currency": "USD", "notionalPrincipal": 3000, "nominalInterestRate": "0.1",
        "initialExchangeDate": "2013-01-01", "maturityDate": "2014-01-01",
        "cycleAnchorDateOfInterestPayment": "2013-02-01", "cycleOfInterestPayment": "P1ML0",
        "dayCountConvention": "A365",
    })
}

fn all(terms: &Value) -> Vec<ContractEvent> {
    events(terms, &Value::Null, None).unwrap_or_else(|error| panic!("{error:?}: {terms}"))
}

fn problems(terms: &Value, observed: &Value) -> Vec<String> {
    match events(terms, observed, None) {
        Err(ActusError::Invalid { problems }) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

fn types(events: &[ContractEvent]) -> Vec<&'static str> {
    events.iter().map(|event| event.event_type.code()).collect()
}

#[test]
fn every_wrong_term_is_named_with_its_path() {
    let wrong = with(
        &pam(),
        json!({
            "contractRole": "LENDER", "maturityDate": "2014-13-01", "notionalPrincipal": -5,
            "nominalInterestRate": "10%", "cycleOfInterestPayment": "1M-", "currency": "XXX",
            "dayCountConvention": "ACT/365", "businessDayConvention": "following",
            "calendar": "TARGET", "xDayNotice": "P1D", "interestRate": 0.1,
            "statusDate": null, "cyclePointOfRateReset": "E", "penaltyType": "R",
            "scalingEffect": "IN",
        }),
    );
    let found = problems(&wrong, &Value::Null);
    let paths: Vec<&str> = found.iter().filter_map(|text| text.split(' ').next()).collect();
    assert_eq!(
        paths,
        [
            "interestRate",
            "xDayNotice",
            "contractRole",
            "statusDate",
            "currency",
            "businessDayConvention",
            "calendar",
            "notionalPrincipal",
            "maturityDate",
            "nominalInterestRate",
            "dayCountConvention",
            "cycleOfInterestPayment",
            "cyclePointOfRateReset",
            "scalingEffect",
            "penaltyType",
        ],
        "{found:#?}"
    );
}

#[test]
fn terms_that_contradict_each_other_are_refused() {
    let lam = with(
        &pam(),
        json!({
            "contractType": "LAM", "cycleOfPrincipalRedemption": "P1ML0",
            "cycleAnchorDateOfPrincipalRedemption": "2013-02-01",
            "nextPrincipalRedemptionPayment": 100,
        }),
    );
    for (terms, changes, expected) in [
        (pam(), json!({"maturityDate": null}), "maturityDate is missing"),
        (pam(), json!({"maturityDate": "2013-01-01"}), "maturityDate (2013-01-01T00:00:00) is not"),
        (pam(), json!({"cycleOfRateReset": "P1ML0"}), "marketObjectCodeOfRateReset is missing"),
        (pam(), json!({"nextResetRate": 0.1}), "nextResetRate has no reset"),
        (pam(), json!({"terminationDate": "2013-05-01"}), "priceAtTerminationDate is missing"),
        (
            pam(),
            json!({"terminationDate": "2014-05-01", "priceAtTerminationDate": 1}),
            "terminationDate (2014-05-01T00:00:00) is after maturityDate",
        ),
        (pam(), json!({"feeRate": 1}), "feeBasis is missing"),
        (pam(), json!({"lifeCap": 0.1, "lifeFloor": 0.2}), "lifeFloor (0.2) is above lifeCap"),
        (
            lam.clone(),
            json!({"cycleOfPrincipalRedemption": null, "maturityDate": null}),
            "maturityDate is missing and so is",
        ),
        (
            lam.clone(),
            json!({"cycleAnchorDateOfPrincipalRedemption": "2012-12-01"}),
            "cycleAnchorDateOfPrincipalRedemption is before",
        ),
        (
            lam.clone(),
            json!({"interestCalculationBase": "NTL"}),
            "interestCalculationBaseAmount is missing",
        ),
        (
            lam,
            json!({"nextPrincipalRedemptionPayment": 0, "maturityDate": null}),
            "nextPrincipalRedemptionPayment is zero",
        ),
    ] {
        let found = problems(&with(&terms, changes), &Value::Null);
        assert!(found[0].starts_with(expected), "{found:?}, expected {expected}");
    }
    assert!(problems(&json!([]), &Value::Null)[0].starts_with("terms ([]) are not"));
    assert!(problems(&json!({}), &Value::Null)[0].starts_with("contractType is missing"));
    assert!(problems(&json!({"contractType": "SWAPS"}), &Value::Null)[0].contains("PAM, LAM"));
}

#[test]
fn observations_are_checked_too() {
    let observed = json!({
        "dataObserved": {
            "A": {"identifier": "B", "data": [{"timestamp": "2013-01-01", "value": "x", "unit": 1}]},
            "C": {"data": [
                {"timestamp": "2013-01-01", "value": 1}, {"timestamp": "2013-01-01", "value": 2},
            ]},
            "D": [],
        },
        "eventsObserved": [{"time": "2013-05-01", "type": "PP", "value": 1}, {"type": "XD"}, 1],
        "data": {},
    });
    assert_eq!(
        problems(&pam(), &observed),
        [
            "data is unknown; known are dataObserved, eventsObserved",
            "dataObserved.A.identifier is not A",
            "dataObserved.A.data[0].unit is unknown; known are timestamp, value",
            "dataObserved.A.data[0].value (\"x\") is not a number",
            "dataObserved.C has two values at 2013-01-01T00:00:00",
            "dataObserved.D is not an object",
            "eventsObserved[0].type (PP) is not allowed under prepaymentEffect N",
            "eventsObserved[1].time is missing",
            "eventsObserved[2] is not an object",
        ]
    );
}

#[test]
fn a_rate_that_was_not_observed_is_an_error_and_the_latest_one_holds() {
    let terms = with(
        &pam(),
        json!({
            "cycleAnchorDateOfRateReset": "2013-06-01", "cycleOfRateReset": "P2ML1",
            "marketObjectCodeOfRateReset": "PRIME",
        }),
    );
    let data = |points: Value| json!({"dataObserved": {"PRIME": {"data": points}}});
    let late = data(json!([{"timestamp": "2013-07-01", "value": 0.05}]));
    let error = events(&terms, &late, None).unwrap_err();
    assert_eq!(error.condition(), Condition::NullNotAllowed);
    assert_eq!(
        error.detail().unwrap(),
        "It is needed at 2013-06-01T00:00:00; the first observation is at 2013-07-01T00:00:00."
    );
    // Nothing is asked of the market before it is needed.
    let before = NaiveDate::from_ymd_opt(2013, 5, 31);
    assert_eq!(types(&events(&terms, &late, before).unwrap()), ["IED", "IP", "IP", "IP", "IP"]);

    let early = data(json!([
        {"timestamp": "2013-09-15", "value": 0.06}, {"timestamp": "2013-05-01", "value": 0.05},
    ]));
    let rates: Vec<String> = events(&terms, &early, None)
        .unwrap()
        .iter()
        .filter(|event| event.event_type == EventType::Rr)
        .map(|event| event.nominal_interest_rate.to_string())
        .collect();
    assert_eq!(rates, ["0.05", "0.05", "0.06", "0.06"]);
}

#[test]
fn a_loan_whose_payment_is_all_interest_never_matures() {
    let terms = with(
        &pam(),
        json!({
            "contractType": "NAM", "maturityDate": null, "cycleOfPrincipalRedemption": "P1ML0",
            "cycleAnchorDateOfPrincipalRedemption": "2013-02-01",
            "nextPrincipalRedemptionPayment": 20,
        }),
    );
    let error = events(&terms, &Value::Null, None).unwrap_err();
    assert_eq!(error.condition(), Condition::NoSolution);
    let lax = json!({
        "contractType": "LAX", "contractRole": "RPA", "statusDate": "2012-12-30",
        "currency": "USD", "notionalPrincipal": 3000, "nominalInterestRate": "0.1",
        "initialExchangeDate": "2013-01-01", "dayCountConvention": "A365",
        "arrayCycleAnchorDateOfPrincipalRedemption": ["2013-02-01", "2013-06-01"],
        "arrayNextPrincipalRedemptionPayment": [1000, 1500],
        "arrayIncreaseDecrease": ["DEC", "DEC"],
    });
    let error = events(&lax, &Value::Null, None).unwrap_err();
    assert_eq!(error.detail().unwrap(), "The redemptions leave 500 of the principal.");
}

#[test]
fn an_open_call_money_needs_a_last_day_and_grows_until_it() {
    let terms = json!({
        "contractType": "CLM", "contractRole": "RPA", "statusDate": "2012-12-30",
        "currency": "USD", "notionalPrincipal": 1000, "nominalInterestRate": "0.12",
        "initialExchangeDate": "2013-01-01", "dayCountConvention": "30E360",
        "cycleAnchorDateOfInterestPayment": "2013-02-01", "cycleOfInterestPayment": "P1ML0",
        "xDayNotice": "P10D",
    });
    assert!(problems(&terms, &Value::Null)[0].starts_with("maturityDate is missing, no call"));
    let to = NaiveDate::from_ymd_opt(2013, 4, 1);
    let found = events(&terms, &Value::Null, to).unwrap();
    assert_eq!(types(&found), ["IED", "IPCI", "IPCI", "IPCI"]);
    assert_eq!(found[3].notional_principal.to_string(), "1030.301");
    let called = json!({"eventsObserved": [{"time": "2013-04-01", "type": "XD", "value": 0}]});
    let found = events(&terms, &called, to).unwrap();
    assert_eq!(types(&found), ["IED", "IPCI", "IPCI", "XD", "IP", "STD"]);
    assert_eq!(found[5].time.to_string(), "2013-04-11T00:00:00");
    let before_the_call = NaiveDate::from_ymd_opt(2013, 3, 31);
    assert_eq!(types(&events(&terms, &called, before_the_call).unwrap()), ["IED", "IPCI", "IPCI"]);
}

#[test]
fn interest_before_the_status_date_follows_from_the_last_payment() {
    let terms = with(&pam(), json!({"statusDate": "2013-03-15"}));
    let found = all(&terms);
    assert_eq!(types(&found[..1]), ["IP"]);
    // 31 days of March, of which 14 were owed on the status date.
    assert!(close(found[0].payoff, Decimal::from(3000 * 31) / Decimal::from(3650), Decimal::ONE));
    assert!(all(&with(&pam(), json!({"statusDate": "2014-01-01"}))).is_empty());
}

#[test]
fn dates_in_the_wrong_order_after_a_shift_accrue_nothing_twice() {
    // A payment scheduled for a Sunday shows on the Friday before it and pays to the Sunday; what
    // shows on the Saturday between has one day less than nothing accrued.
    let terms = with(
        &pam(),
        json!({
            "cycleAnchorDateOfInterestPayment": "2013-09-01", "cycleOfInterestPayment": "P1ML1",
            "businessDayConvention": "CSP", "calendar": "MF",
            "terminationDate": "2013-08-31", "priceAtTerminationDate": 3000,
        }),
    );
    let found = all(&terms);
    assert_eq!(types(&found), ["IED", "IP", "TD"]);
    assert_eq!(found[1].time.to_string(), "2013-08-30T00:00:00");
    let interest = found[1].payoff + found[2].payoff - Decimal::from(3000);
    let expected = Decimal::from(300 * 242) / Decimal::from(365);
    assert!((interest - expected).abs() < Decimal::new(1, 20), "{interest} {expected}");
}

#[test]
fn an_annuity_is_level_where_its_first_payment_moves() {
    let terms = with(
        &pam(),
        json!({
            "contractType": "ANN", "calendar": "MF", "initialExchangeDate": "2013-05-31",
            "cycleAnchorDateOfInterestPayment": "2013-06-01", "dayCountConvention": "AA",
            "cycleAnchorDateOfPrincipalRedemption": "2013-06-01",
            "cycleOfPrincipalRedemption": "P1ML0",
        }),
    );
    // A Saturday: the payment is fixed on a Sunday, whose interest runs to the Monday of the
    // first payment; or the first payment would be before the exchange and falls away.
    for (rule, count) in [("SCF", 8), ("CSF", 8), ("SCP", 8), ("CSP", 8), ("NOS", 8)] {
        let found = payments(&all(&with(&terms, json!({"businessDayConvention": rule}))));
        assert_eq!(found.len(), count, "{rule}");
        assert!(found.iter().all(|(_, payment)| close(*payment, found[0].1, Decimal::ONE)));
    }
    let dropped = with(
        &terms,
        json!({"businessDayConvention": "CSP", "initialExchangeDate": "2013-06-01",
            "cycleAnchorDateOfInterestPayment": "2013-06-02",
            "cycleAnchorDateOfPrincipalRedemption": "2013-06-02"}),
    );
    let found = payments(&all(&dropped));
    assert_eq!(found.len(), 6);
    assert!(found.iter().all(|(_, payment)| close(*payment, found[0].1, Decimal::ONE)));
}

/// A contract of one of the types that amortise or not, with plain interest.
fn contract() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec!["PAM", "LAM", "NAM", "ANN"]);
    let count = prop::sample::select(vec!["AA", "A360", "A365", "30E360", "30E360ISDA", "28E336"]);
    let shift = prop::sample::select(vec![
        "NOS", "SCF", "SCMF", "CSF", "CSMF", "SCP", "SCMP", "CSP", "CSMP",
    ]);
    let cycle = (1u32..4, prop::sample::select(vec!["M", "Q", "W"]), 0u8..2);
    let amounts = (1i64..1_000_000_000, 0i64..3000, 1i64..100);
    let days = (0u64..60, 0u64..100, 200u64..1500);
    (kind, count, shift, cycle, amounts, days, any::<(bool, bool, bool)>()).prop_map(
        |(kind, count, shift, (length, unit, stub), (minor, rate, part), days, flags)| {
            let start = NaiveDate::from_ymd_opt(2019, 11, 15).unwrap();
            let after = |days| start.checked_add_days(chrono::Days::new(days)).unwrap().to_string();
            let (lent, wait, life) = days;
            let notional = Decimal::new(minor, 2);
            let cycle = format!("P{length}{unit}L{stub}");
            let mut terms = json!({
                "contractType": kind, "contractRole": "RPA", "currency": "EUR",
                "statusDate": start.to_string(), "initialExchangeDate": after(lent + 1),
                "maturityDate": after(lent + 2 + wait + life),
                "notionalPrincipal": notional.to_string(),
                "nominalInterestRate": Decimal::new(rate, 4).to_string(),
                "dayCountConvention": count, "businessDayConvention": shift,
                "calendar": if flags.0 { "MF" } else { "NC" },
                "endOfMonthConvention": if flags.1 { "EOM" } else { "SD" },
                "cycleAnchorDateOfInterestPayment": after(lent + 1 + wait),
                "cycleOfInterestPayment": cycle,
            });
            if kind != "PAM" {
                terms["cycleAnchorDateOfPrincipalRedemption"] = after(lent + 1 + wait).into();
                terms["cycleOfPrincipalRedemption"] = cycle.into();
            }
            if kind == "NAM" || (kind == "LAM" && flags.2) {
                let payment = notional * Decimal::new(part, 2);
                terms["nextPrincipalRedemptionPayment"] = payment.to_string().into();
            }
            terms
        },
    )
}

/// A value of any kind that some term takes, and some that none takes.
fn value() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        Value::Null,
        json!(true),
        json!(""),
        json!({"a": 1}),
        json!([]),
        json!(0),
        json!(-1),
        json!(1e15),
        json!("79228162514264337593543950335"),
        json!("0.0000000000000000000000000001"),
        json!(10000),
        json!("0001-01-01"),
        json!("2019-11-16"),
        json!("2020-02-29T24:00:00"),
        json!("2021-06-30"),
        json!("9999-12-31T23:59:59"),
        json!("P1DL1"),
        json!("P1ML0"),
        json!("P400YL1"),
        json!("P1D"),
        json!("N"),
        json!("A"),
        json!("F"),
        json!("V"),
        json!("NTL"),
        json!("NTIED"),
        json!("IN0"),
        json!("INC"),
        json!("SCMP"),
        json!("RPL"),
        json!("CLM"),
        json!("LAX"),
        json!(["2020-01-01", "2020-06-01"]),
        json!([100, 2000]),
        json!(["F", "V"]),
        json!(["DEC", "INC"]),
        json!("INDEX"),
        json!("JPY"),
    ])
}

fn close(one: Decimal, other: Decimal, scale: Decimal) -> bool {
    (one - other).abs() <= scale * Decimal::new(1, 18)
}

/// What each payment of an annuity comes to where several have moved to one day, by day.
fn payments(events: &[ContractEvent]) -> Vec<(ContractTime, Decimal)> {
    let mut days: BTreeMap<ContractTime, (Decimal, u32)> = BTreeMap::new();
    for event in events.iter().filter(|event| event.event_type != EventType::Ied) {
        let (sum, count) = days.entry(event.time).or_default();
        *sum += event.payoff;
        *count += u32::from(matches!(event.event_type, EventType::Pr | EventType::Md));
    }
    days.into_iter()
        .filter(|(_, (_, count))| *count > 0)
        .map(|(day, (sum, count))| (day, sum / Decimal::from(count)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_has_an_answer_or_a_reason(
        terms in contract(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), value()), 1..6),
    ) {
        let names: Vec<&str> = super::terms::names().collect();
        let mut terms = terms;
        for (name, value) in changes {
            terms[names[name.index(names.len())]] = value;
        }
        let observed = json!({"dataObserved": {
            "INDEX": {"data": [{"timestamp": "2019-12-01", "value": "0.03"}]},
            "EUR/JPY": {"data": [{"timestamp": "2000-01-01", "value": 160}]},
        }});
        let to = NaiveDate::from_ymd_opt(2022, 1, 1);
        match events(&terms, &observed, to) {
            Ok(found) => prop_assert!(found.windows(2).all(|pair| pair[0].time <= pair[1].time)),
            Err(error) => prop_assert!(error.detail().is_some() || error.hint().is_some()),
        }
    }

    #[test]
    fn all_principal_comes_back(terms in contract()) {
        let found = all(&terms);
        let notional: Decimal = terms["notionalPrincipal"].as_str().unwrap().parse().unwrap();
        let repaid: Decimal = found
            .iter()
            .filter(|event| matches!(event.event_type, EventType::Pr | EventType::Md))
            .map(|event| event.payoff)
            .sum();
        prop_assert!(close(repaid, notional, notional), "{repaid} of {notional}");
        let last = found.last().unwrap();
        prop_assert_eq!(last.event_type, EventType::Md);
        prop_assert_eq!((last.notional_principal, last.accrued_interest), Default::default());
        prop_assert!(found.windows(2).all(|pair| pair[0].time <= pair[1].time));
    }

    #[test]
    fn the_other_side_sees_everything_reversed(terms in contract()) {
        let (lender, borrower) = (all(&terms), all(&with(&terms, json!({"contractRole": "RPL"}))));
        prop_assert_eq!(lender.len(), borrower.len());
        for (one, other) in lender.iter().zip(&borrower) {
            prop_assert_eq!((one.time, one.event_type), (other.time, other.event_type));
            prop_assert_eq!(one.nominal_interest_rate, other.nominal_interest_rate);
            prop_assert_eq!(
                (one.payoff, one.notional_principal, one.accrued_interest),
                (-other.payoff, -other.notional_principal, -other.accrued_interest)
            );
        }
    }

    #[test]
    fn a_horizon_cuts_and_changes_nothing(terms in contract(), days in 0u64..1800) {
        let found = all(&terms);
        let to = NaiveDate::from_ymd_opt(2019, 11, 15).unwrap() + chrono::Days::new(days);
        let cut = events(&terms, &Value::Null, Some(to)).unwrap();
        prop_assert_eq!(&cut[..], &found[..cut.len()]);
        prop_assert!(found[cut.len()..].iter().all(|event| event.time.date() > to));
    }

    #[test]
    fn an_annuity_pays_the_same_each_time(terms in contract(), rate in 0i64..2000) {
        let terms = with(&terms, json!({
            "contractType": "ANN", "nextPrincipalRedemptionPayment": null,
            "nominalInterestRate": Decimal::new(rate, 4).to_string(),
            "cycleOfPrincipalRedemption": terms["cycleOfInterestPayment"],
            "cycleAnchorDateOfPrincipalRedemption": terms["cycleAnchorDateOfInterestPayment"],
        }));
        let notional: Decimal = terms["notionalPrincipal"].as_str().unwrap().parse().unwrap();
        let payments = payments(&all(&terms));
        let first = payments[0].1;
        for (day, payment) in payments {
            prop_assert!(close(payment, first, notional), "{day}: {payment}, not {first}");
        }
    }

    #[test]
    fn a_contract_may_be_taken_up_at_any_event(terms in contract(), at in any::<prop::sample::Index>()) {
        // Interest that is calculated first and shifted then is not accrued to the date it shows.
        let shifts_first = terms["businessDayConvention"].as_str().unwrap().starts_with('S');
        let terms = if shifts_first { terms } else { with(&terms, json!({"calendar": "NC"})) };
        let found = all(&terms);
        let owing: Vec<_> =
            found.iter().filter(|event| !event.notional_principal.is_zero()).collect();
        let chosen = owing[at.index(owing.len())].time;
        let (past, rest): (Vec<_>, Vec<_>) = found.iter().partition(|event| event.time <= chosen);
        let state = past.last().unwrap();
        prop_assume!(!state.notional_principal.is_zero());
        let later = with(&terms, json!({
            "statusDate": chosen.to_string(),
            "notionalPrincipal": state.notional_principal.to_string(),
            "accruedInterest": state.accrued_interest.to_string(),
        }));
        let notional: Decimal = terms["notionalPrincipal"].as_str().unwrap().parse().unwrap();
        let again = all(&later);
        prop_assert_eq!(again.len(), rest.len());
        for (one, other) in again.iter().zip(rest) {
            prop_assert_eq!((one.time, one.event_type), (other.time, other.event_type));
            prop_assert!(close(one.payoff, other.payoff, notional), "{one:?} {other:?}");
            prop_assert!(close(one.notional_principal, other.notional_principal, notional));
            prop_assert!(close(one.accrued_interest, other.accrued_interest, notional));
        }
    }
}
