//! Bad terms are refused; no terms break anything.

use chrono::NaiveDate;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::*;
use crate::domain::error::{Condition, Refusal};

fn good() -> Value {
    json!({"principal": 1000, "annual_rate": "0.12", "instalments": 12, "disbursed_on": "2024-01-31"})
}

fn with(changes: Value) -> ScheduleTerms {
    let mut terms = good();
    for (name, value) in changes.as_object().unwrap() {
        terms[name] = value.clone();
    }
    ScheduleTerms::from_json(terms).unwrap()
}

/// Each mistake is found, and named by its path.
#[test]
fn mistakes_are_named_by_their_path() {
    let mistakes = [
        (json!({"principal": 0}), "principal"),
        (json!({"principal": -5}), "principal"),
        (json!({"principal": "10.001"}), "principal"),
        (json!({"principal": "1e16"}), "principal"),
        (json!({"annual_rate": -0.01}), "annual_rate"),
        (json!({"annual_rate": 10001}), "annual_rate"),
        (json!({"instalments": 0}), "instalments"),
        (json!({"instalments": 11001}), "instalments"),
        (json!({"instalment": 0}), "instalment"),
        (json!({"instalment": 100, "method": "equal_principal"}), "instalment"),
        (json!({"first_due_on": "2024-01-31"}), "first_due_on"),
        (json!({"starts_on": "2024-02-01"}), "starts_on"),
        (json!({"last_due_on": "2024-01-01"}), "last_due_on"),
        (json!({"last_due_on": "2024-06-30"}), "last_due_on"),
        (json!({"balloon": 1001}), "balloon"),
        (json!({"balloon": 10, "method": "bullet"}), "balloon"),
        (json!({"step": {"every": 0, "amount": 1}}), "step.every"),
        (json!({"step": {"every": 1}}), "step"),
        (json!({"step": {"every": 1, "fraction": -1}}), "step.fraction"),
        (json!({"step": {"every": 1, "amount": 1, "of": "principal"}}), "step.of"),
        (json!({"custom": [{"number": 13, "skip": true}]}), "custom[0].number"),
        (
            json!({"custom": [{"number": 2, "skip": true}, {"number": 2, "skip": true}]}),
            "custom[1].number",
        ),
        (json!({"custom": [{"number": 2}]}), "custom[0]"),
        (json!({"custom": [{"number": 2, "instalment": -1}]}), "custom[0].instalment"),
        (json!({"grace": {"principal": 12}}), "grace.principal"),
        (json!({"grace": {"moratorium": 12}}), "grace.moratorium"),
        (json!({"grace": {"interest_free": 13}}), "grace.interest_free"),
        (json!({"grace": {"recurring_principal": 12}}), "grace.recurring_principal"),
        (json!({"grace": {"spread": true}}), "grace.spread"),
        (json!({"interest": {"capitalise": true}}), "interest.capitalise"),
        (json!({"down_payment": {}}), "down_payment"),
        (json!({"down_payment": {"fraction": 1}}), "down_payment.fraction"),
        (json!({"down_payment": {"amount": 1000}}), "down_payment.amount"),
        (json!({"disbursements": [{"on": "2024-01-30", "amount": 1}]}), "disbursements[0].on"),
        (json!({"disbursements": [{"on": "2025-01-31", "amount": 1}]}), "disbursements[0].on"),
        (json!({"disbursements": [{"on": "2024-03-01", "amount": 0}]}), "disbursements[0].amount"),
        (
            json!({"disbursements": [{"on": "2024-03-01", "amount": 1}], "method": "flat"}),
            "disbursements",
        ),
        (
            json!({"rate_changes": [{"from": "2024-03-01", "annual_rate": -1}]}),
            "rate_changes[0].annual_rate",
        ),
        (
            json!({"rate_changes": [{"from": "2024-03-01", "annual_rate": 0}, {"from": "2024-03-01", "annual_rate": 0}]}),
            "rate_changes[1].from",
        ),
        (json!({"index": {"cap": 0.1, "floor": 0.2, "fixings": []}}), "index.cap"),
        (
            json!({"index": {"fixings": [{"from": "2024-03-01", "value": 20000}]}}),
            "index.fixings[0].value",
        ),
        (json!({"rounding": {"minor_units": 9}}), "rounding.minor_units"),
        (json!({"rounding": {"precision": 0}}), "rounding.precision"),
        (json!({"rounding": {"precision": 29}}), "rounding.precision"),
        (json!({"rounding": {"multiple": 0}}), "rounding.multiple"),
        (json!({"due_dates": {"explicit": ["2024-03-01"]}}), "due_dates.explicit"),
        (json!({"fees": [{"value": -1}]}), "fees[0].value"),
        (json!({"fees": [{"value": 1, "charged": "on_date"}]}), "fees[0].on"),
        (json!({"fees": [{"value": 1, "on": "2024-03-01"}]}), "fees[0].on"),
    ];
    for (changes, path) in mistakes {
        let refusal = schedule(&with(changes.clone())).unwrap_err();
        let ScheduleError::Terms(problems) = &refusal else { panic!("{changes}: {refusal:?}") };
        assert!(problems.iter().any(|problem| problem.path == path), "{changes}: {problems:?}");
        assert_eq!(refusal.condition(), Condition::InvalidParameter);
        assert!(refusal.detail().unwrap().contains(path));
        assert!(refusal.hint().is_some());
    }
}

#[test]
fn daily_instalments_that_meet_on_a_monday_are_refused() {
    let terms = with(json!({"frequency": "daily", "due_dates": {"business_day": "following"}}));
    let refusal = schedule(&terms).unwrap_err();
    assert!(refusal.detail().unwrap().contains("due_dates.business_day"), "{refusal:?}");
    let unmoved =
        with(json!({"frequency": "daily", "due_dates": {"business_day": "following unadjusted"}}));
    assert_eq!(schedule(&unmoved).unwrap().rows.len(), 12);
}

#[test]
fn an_instalment_below_its_interest_is_refused_unless_agreed_otherwise() {
    for family in ["progressive", "cumulative"] {
        let terms = |more: &str| {
            with(
                json!({"instalment": 5, "rounding": {"family": family}, "negative_amortisation": more}),
            )
        };
        let refusal = schedule(&terms("refuse")).unwrap_err();
        assert_eq!(
            refusal.detail().unwrap(),
            "Instalment 1 is 5; the interest due with it is 10.00."
                .replace("is 5;", if family == "progressive" { "is 5.00;" } else { "is 5;" })
        );
        for more in ["capitalise", "defer"] {
            let rows = schedule(&terms(more)).unwrap().rows;
            assert_eq!(rows[0].total, Decimal::from(5), "{more}");
            assert_eq!(rows[0].interest, Decimal::from(if more == "defer" { 5 } else { 10 }));
        }
    }
}

#[test]
fn dates_beyond_the_calendar_are_refused() {
    let terms = with(json!({"disbursed_on": "9999-06-01"}));
    assert_eq!(schedule(&terms).unwrap_err().condition(), Condition::DatetimeOverflow);
}

fn wild_amount() -> impl Strategy<Value = Decimal> {
    prop_oneof![
        Just(Decimal::ZERO),
        Just(Decimal::MAX),
        Just(Decimal::MIN),
        Just(Decimal::new(1, 28)),
        Just(Decimal::from(crate::domain::limits::AMOUNT_MAX)),
        (any::<i64>(), 0u32..20).prop_map(|(value, scale)| Decimal::new(value, scale)),
        (1i64..1_000_000).prop_map(Decimal::from),
    ]
}

fn wild_date() -> impl Strategy<Value = NaiveDate> {
    prop_oneof![
        Just(NaiveDate::MIN),
        Just(NaiveDate::MAX),
        Just(NaiveDate::from_ymd_opt(9999, 12, 31).unwrap()),
        Just(NaiveDate::from_ymd_opt(1, 1, 1).unwrap()),
        (0u64..4000).prop_map(|days| {
            NaiveDate::from_ymd_opt(2020, 2, 29).unwrap() + chrono::Days::new(days)
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is given, there is a schedule or a refusal: no panic, no endless run.
    #[test]
    fn nothing_breaks(
        amounts in proptest::collection::vec(wild_amount(), 10),
        dates in proptest::collection::vec(wild_date(), 6),
        counts in proptest::collection::vec(prop_oneof![Just(0u32), Just(u32::MAX), 1u32..400], 8),
        method in 0usize..6,
        which in any::<u32>(),
    ) {
        use super::terms::*;
        let has = |bit: u32| which >> bit & 1 == 1;
        let methods = [
            Method::Annuity, Method::EqualPrincipal, Method::Flat, Method::SimpleInterest,
            Method::InterestOnly, Method::Bullet,
        ];
        let mut terms = ScheduleTerms::new(amounts[0], amounts[1], counts[0], dates[0]);
        terms.method = methods[method];
        if has(0) { terms.first_due_on = Some(dates[1]); }
        if has(1) { terms.last_due_on = Some(dates[2]); }
        if has(2) { terms.instalment = Some(amounts[2]); }
        if has(3) { terms.balloon = amounts[3]; }
        if has(4) { terms.step = Some(Step { every: counts[1], amount: None, fraction: Some(amounts[4]), of: None }); }
        if has(5) { terms.grace.principal = counts[2]; }
        if has(6) { terms.grace.interest_payment = counts[3]; terms.grace.capitalise = has(7); }
        if has(8) { terms.rate_changes = vec![RateChange { from: dates[3], annual_rate: amounts[5] }]; }
        if has(9) { terms.disbursements = vec![Disbursement::new(dates[4], amounts[6])]; }
        if has(10) { terms.rounding.multiple = Some(amounts[7]); }
        if has(11) { terms.rounding.precision = counts[4]; }
        if has(12) { terms.rounding.minor_units = counts[5]; }
        if has(13) { terms.rounding.family = RoundingFamily::Cumulative; }
        if has(14) { terms.rounding.family = RoundingFamily::None; }
        if has(15) { terms.rounding.residue = Residue::First; }
        if has(16) { terms.rounding.levelling = Some(Levelling::Remainder); }
        if has(17) { terms.negative_amortisation = NegativeAmortisation::Capitalise; }
        if has(18) { terms.custom = vec![CustomInstalment { number: counts[6], instalment: Some(amounts[8]), principal: None, skip: false }]; }
        if has(19) { terms.fees = vec![Fee { name: None, value: amounts[9], basis: FeeBasis::AmountAndInterest, charged: FeeTiming::PerInstalment, on: None }]; }
        if has(20) { terms.interest.days_in_year = DaysInYear::Actual; }
        if has(21) { terms.grace.recurring_principal = counts[7]; }
        if let Ok(schedule) = schedule(&terms) {
            let _ = (total_cost(&schedule), cash_flows(&schedule));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same at the limits of what is allowed.
    #[test]
    fn nothing_breaks_at_the_limits(
        principal in prop_oneof![Just("0.01"), Just("1000000000000000"), Just("123456.78")],
        rate in prop_oneof![Just("0"), Just("10000"), Just("0.0000000000000000000000000001"), Just("1.5")],
        instalments in prop_oneof![Just(1u32), Just(2), Just(360), Just(3000)],
        frequency in prop_oneof![Just("daily"), Just("monthly"), Just("semimonthly"), Just("every 5000 months")],
        family in prop_oneof![Just("progressive"), Just("cumulative"), Just("none")],
        method in prop_oneof![Just("annuity"), Just("equal_principal"), Just("flat"), Just("bullet"), Just("interest_only"), Just("simple_interest")],
        mode in prop_oneof![Just("half_even"), Just("up"), Just("floor")],
        precision in prop_oneof![Just(1), Just(19), Just(28)],
        capitalise in any::<bool>(),
    ) {
        let terms = with(json!({
            "principal": principal, "annual_rate": rate, "instalments": instalments,
            "frequency": frequency, "method": method,
            "rounding": {"family": family, "mode": mode, "precision": precision},
            "interest": {"days_in_month": "actual", "days_in_year": "actual", "capitalise": capitalise && method == "bullet"},
        }));
        if let Ok(schedule) = schedule(&terms) {
            prop_assert_eq!(schedule.rows[0].opening_balance, terms.principal);
            let _ = total_cost(&schedule);
        }
    }
}
