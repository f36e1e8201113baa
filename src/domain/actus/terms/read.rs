//! Terms out of JSON.

use rust_decimal::Decimal;
use serde_json::Value;

use super::vocabulary::check_names;
use super::{
    ArrayTerms, DateRules, FeeBasis, FeeTerms, InterestBase, InterestTerms, PrepaymentEffect,
    PrepaymentTerms, Recurring, RedemptionSegment, RedemptionTerms, ResetSegment, ResetTerms,
    ScalingTerms, Segment, Terms, Trade, check,
};
use crate::domain::actus::contract::ContractType;
use crate::domain::actus::cycle::{Cycle, Period};
use crate::domain::actus::error::{ActusError, Problem};
use crate::domain::actus::reader::{Reader, label, number, one_of, shown, text, time};
use crate::domain::actus::time::ContractTime;
use crate::domain::calendar::{BusinessCalendar, BusinessDayRule, DayCount};
use crate::domain::limits::{AMOUNT_MAX, ANNUAL_RATE_MAX};
use crate::domain::money;

/// The sign of each role (technical specification, section 4.8).
const ROLES: [(&str, i64); 15] = [
    ("RPA", 1),
    ("RPL", -1),
    ("LG", 1),
    ("ST", -1),
    ("BUY", 1),
    ("SEL", -1),
    ("RFL", 1),
    ("PFL", -1),
    ("COL", 1),
    ("CNO", 1),
    ("GUA", -1),
    ("OBL", 1),
    ("UDL", 1),
    ("UDLP", 1),
    ("UDLM", -1),
];

/// Whether Saturday and Sunday are days without business.
const CALENDARS: [(&str, bool); 4] =
    [("NC", false), ("MF", true), ("noCalendar", false), ("mondayToFriday", true)];

const SHIFTS: [&str; 9] = ["NOS", "SCF", "SCMF", "CSF", "CSMF", "SCP", "SCMP", "CSP", "CSMP"];

const DAY_COUNTS: [(&str, DayCount); 7] = [
    ("AA", DayCount::ActActIsda),
    ("A360", DayCount::Act360),
    ("A365", DayCount::Act365Fixed),
    ("A336", DayCount::Act336),
    ("30E360", DayCount::ThirtyE360),
    ("30E360ISDA", DayCount::ThirtyE360Isda),
    ("28E336", DayCount::TwentyEightE336),
];

impl Terms {
    /// Reads and checks the terms of a contract, a JSON object with the dictionary's names.
    ///
    /// # Errors
    /// [`ActusError::Invalid`] with every problem there is.
    pub fn read(json: &Value) -> Result<Self, ActusError> {
        let single = |path: &str, reason: String| ActusError::Invalid {
            problems: vec![Problem { path: path.into(), reason }],
        };
        let object = json
            .as_object()
            .ok_or_else(|| single("terms", format!("({}) are not a JSON object", shown(json))))?;
        let mut reader = Reader::new(object, "");
        let contract_type = match reader.required("contractType", contract_type) {
            Some(found) => found,
            None => return Err(ActusError::Invalid { problems: reader.into_problems() }),
        };
        check_names(&mut reader, contract_type);
        let terms = terms(&mut reader, contract_type);
        if let Some(terms) = &terms {
            check::check(terms, &mut reader);
        }
        let problems = reader.into_problems();
        match terms {
            Some(terms) if problems.is_empty() => Ok(terms),
            _ => Err(ActusError::Invalid { problems }),
        }
    }
}

/// All terms, or nothing if one that has no default is missing or wrong.
fn terms(r: &mut Reader<'_>, contract_type: ContractType) -> Option<Terms> {
    // Every group is read before any is unwrapped, so that all problems come to light at once.
    let role = r.required("contractRole", |v| one_of(v, "contract role", &ROLES));
    let status = r.required("statusDate", time);
    let currency = r.required("currency", currency);
    let settlement = r.optional("settlementCurrency", self::currency);
    let dates = date_rules(r);
    let notional = r.required("notionalPrincipal", positive_amount);
    let initial_exchange = r.required("initialExchangeDate", time);
    let premium_discount = r.optional("premiumDiscountAtIED", amount);
    let maturity = r.optional("maturityDate", time);
    let redemption = redemption(r);
    let interest = interest(r, notional);
    let reset = reset(r);
    let scaling = scaling(r);
    let fee = fee(r);
    let purchase = trade(r, "purchaseDate", "priceAtPurchaseDate");
    let termination = trade(r, "terminationDate", "priceAtTerminationDate");
    let prepayment = prepayment(r);
    let arrays = arrays(r);
    let notice = r.optional("xDayNotice", period);
    Some(Terms {
        contract_type,
        role: Decimal::from(role?),
        status: status?,
        currency: currency?,
        settlement_currency: settlement.filter(|&code| Some(code) != currency),
        dates,
        notional: notional?,
        initial_exchange: initial_exchange?,
        premium_discount: premium_discount.unwrap_or_default(),
        maturity,
        redemption,
        interest: interest?,
        reset,
        scaling,
        fee,
        purchase,
        termination,
        prepayment,
        arrays,
        notice,
    })
}

fn date_rules(r: &mut Reader<'_>) -> DateRules {
    let end_of_month = r.optional("endOfMonthConvention", |v| {
        one_of(v, "end-of-month convention", &[("SD", false), ("EOM", true)])
    });
    let weekdays = r.optional("calendar", |v| one_of(v, "calendar", &CALENDARS)).unwrap_or(false);
    let shift = r.optional("businessDayConvention", business_day_rule);
    DateRules {
        end_of_month: end_of_month.unwrap_or(false),
        shift: shift.unwrap_or_default(),
        calendar: if weekdays {
            BusinessCalendar::monday_to_friday()
        } else {
            BusinessCalendar::every_day()
        },
    }
}

fn redemption(r: &mut Reader<'_>) -> RedemptionTerms {
    RedemptionTerms {
        dates: recurrence(r, "PrincipalRedemption"),
        payment: r.optional("nextPrincipalRedemptionPayment", amount_or_zero),
        amortisation_end: r.optional("amortizationDate", time),
    }
}

fn interest(r: &mut Reader<'_>, notional: Option<Decimal>) -> Option<InterestTerms> {
    let rate = r.required("nominalInterestRate", rate);
    let day_count =
        r.required("dayCountConvention", |v| one_of(v, "day count convention", &DAY_COUNTS));
    let accrued = r.optional("accruedInterest", amount);
    let dates = recurrence(r, "InterestPayment");
    let capitalisation_end = r.optional("capitalizationEndDate", time);
    let base = interest_base(r, notional);
    r.optional("cyclePointOfInterestPayment", |v| {
        at_point(v, "E", "interest paid at the beginning of its period is not defined")
    });
    Some(InterestTerms {
        rate: rate?,
        day_count: day_count?,
        accrued,
        dates,
        capitalisation_end,
        base: base?,
    })
}

fn interest_base(r: &mut Reader<'_>, notional: Option<Decimal>) -> Option<InterestBase> {
    const NAMES: [(&str, u8); 3] = [("NT", 0), ("NTIED", 1), ("NTL", 2)];
    let name = r.optional("interestCalculationBase", |v| one_of(v, "interest base", &NAMES));
    let amount = r.optional("interestCalculationBaseAmount", amount_or_zero);
    let dates = recurrence(r, "InterestCalculationBase");
    match name {
        Some(1) => Some(InterestBase::Fixed(amount.or(notional)?)),
        Some(2) => {
            if amount.is_none() {
                r.note("interestCalculationBaseAmount", "is missing");
            }
            if dates.is_absent() {
                r.note("cycleOfInterestCalculationBase", "is missing");
            }
            Some(InterestBase::Lagged { amount: amount?, dates })
        }
        _ => Some(InterestBase::Notional),
    }
}

fn reset(r: &mut Reader<'_>) -> ResetTerms {
    r.optional("cyclePointOfRateReset", |v| {
        at_point(v, "B", "a rate fixed at the end of its period is not defined")
    });
    ResetTerms {
        dates: recurrence(r, "RateReset"),
        index: r.optional("marketObjectCodeOfRateReset", label),
        multiplier: r.optional("rateMultiplier", amount).unwrap_or(Decimal::ONE),
        spread: r.optional("rateSpread", rate).unwrap_or_default(),
        next: r.optional("nextResetRate", rate),
        life_floor: r.optional("lifeFloor", rate),
        life_cap: r.optional("lifeCap", rate),
        // Both signs are met for the floor of a change; it bounds a fall in either case.
        period_floor: r.optional("periodFloor", rate).map(|change| change.abs()),
        period_cap: r.optional("periodCap", rate_or_zero),
    }
}

fn scaling(r: &mut Reader<'_>) -> Option<ScalingTerms> {
    let effect = r.optional("scalingEffect", scaling_effect);
    let index = r.optional("marketObjectCodeOfScalingIndex", label);
    let base = r.optional("scalingIndexAtContractDealDate", number);
    let interest_multiplier = r.optional("interestScalingMultiplier", amount);
    let notional_multiplier = r.optional("notionalScalingMultiplier", amount);
    let dates = recurrence(r, "ScalingIndex");
    let (interest, notional) = effect.filter(|&(interest, notional)| interest || notional)?;
    if index.is_none() {
        r.note("marketObjectCodeOfScalingIndex", "is missing");
    }
    if base.is_none_or(|base| base.is_zero()) {
        r.note("scalingIndexAtContractDealDate", "must be a number other than zero");
    }
    if dates.is_absent() {
        r.note("cycleOfScalingIndex", "is missing");
    }
    Some(ScalingTerms {
        interest,
        notional,
        index: index?,
        base: base?,
        interest_multiplier: interest_multiplier.unwrap_or(Decimal::ONE),
        notional_multiplier: notional_multiplier.unwrap_or(Decimal::ONE),
        dates,
    })
}

fn fee(r: &mut Reader<'_>) -> Option<FeeTerms> {
    const BASES: [(&str, FeeBasis); 2] = [("A", FeeBasis::Amount), ("N", FeeBasis::Notional)];
    let rate = r.optional("feeRate", amount);
    let basis = r.optional("feeBasis", |v| one_of(v, "fee basis", &BASES));
    let accrued = r.optional("feeAccrued", amount);
    let dates = recurrence(r, "Fee");
    let rate = rate.filter(|rate| !rate.is_zero())?;
    if basis.is_none() {
        r.note("feeBasis", "is missing");
    }
    Some(FeeTerms { rate, basis: basis?, accrued, dates })
}

/// A trade; a price without a date says nothing and is passed over, as published contracts do.
fn trade(r: &mut Reader<'_>, date: &str, price: &str) -> Option<Trade> {
    let paid = r.optional(price, amount);
    let time = r.optional(date, time)?;
    if r.value(price).is_none() {
        r.note(price, "is missing");
    }
    Some(Trade { time, price: paid? })
}

fn prepayment(r: &mut Reader<'_>) -> PrepaymentTerms {
    const EFFECTS: [(&str, PrepaymentEffect); 3] = [
        ("N", PrepaymentEffect::Forbidden),
        ("A", PrepaymentEffect::ReducesPayment),
        ("M", PrepaymentEffect::ReducesMaturity),
    ];
    let effect = r.optional("prepaymentEffect", |v| one_of(v, "prepayment effect", &EFFECTS));
    let fixed = r.optional("penaltyType", penalty_type).unwrap_or(false);
    let penalty = r.optional("penaltyRate", amount_or_zero);
    if fixed && penalty.is_none() {
        r.note("penaltyRate", "is missing");
    }
    PrepaymentTerms {
        effect: effect.unwrap_or(PrepaymentEffect::Forbidden),
        penalty: penalty.filter(|_| fixed),
    }
}

fn arrays(r: &mut Reader<'_>) -> ArrayTerms {
    const DIRECTIONS: [(&str, bool); 2] = [("INC", true), ("DEC", false)];
    const KINDS: [(&str, bool); 4] = [("F", true), ("FIX", true), ("V", false), ("VAR", false)];
    let dates = segments(r, "PrincipalRedemption");
    let amounts = per_segment(r, "arrayNextPrincipalRedemptionPayment", amount_or_zero, &dates);
    let draws =
        per_segment(r, "arrayIncreaseDecrease", |v| one_of(v, "direction", &DIRECTIONS), &dates);
    let redemptions = dates
        .into_iter()
        .zip(amounts)
        .zip(draws)
        .map(|((dates, amount), draws)| RedemptionSegment { dates, amount, draws })
        .collect();
    let interest = segments(r, "InterestPayment");
    let dates = segments(r, "RateReset");
    let rates = per_segment(r, "arrayRate", rate, &dates);
    let kinds = per_segment(r, "arrayFixedVariable", |v| one_of(v, "kind of rate", &KINDS), &dates);
    let resets = dates
        .into_iter()
        .zip(rates)
        .zip(kinds)
        .map(|((dates, rate), fixed)| ResetSegment { dates, rate, fixed })
        .collect();
    ArrayTerms { redemptions, interest, resets }
}

/// The anchors of an array with their cycles: none at all, one for all, or one each.
fn segments(r: &mut Reader<'_>, of: &str) -> Vec<Segment> {
    let (anchor_name, cycle_name) =
        (format!("arrayCycleAnchorDateOf{of}"), format!("arrayCycleOf{of}"));
    let anchors: Vec<ContractTime> = r.list(&anchor_name, time);
    let cycles: Vec<Cycle> = r.list(&cycle_name, cycle);
    if let Some(index) = anchors.windows(2).position(|pair| matches!(pair, [a, b] if a >= b)) {
        r.note(&format!("{anchor_name}[{}]", index + 1), "is not after the one before it");
    }
    if cycles.len() > 1 && cycles.len() != anchors.len() {
        let reason = format!("has {} elements for {} anchors", cycles.len(), anchors.len());
        r.note(&cycle_name, reason);
    }
    anchors
        .into_iter()
        .enumerate()
        .map(|(index, anchor)| Segment {
            anchor,
            cycle: if cycles.len() == 1 { cycles.first() } else { cycles.get(index) }.copied(),
        })
        .collect()
}

/// A list with one element for each segment.
fn per_segment<T>(
    r: &mut Reader<'_>,
    name: &str,
    parse: fn(&Value) -> Result<T, String>,
    segments: &[Segment],
) -> Vec<T> {
    let given = match r.value(name) {
        Some(Value::Array(elements)) => elements.len(),
        Some(_) => 1,
        None => 0,
    };
    if given != segments.len() {
        let reason = format!("has {given} elements for {} anchors", segments.len());
        r.note(name, reason);
    }
    r.list(name, parse)
}

fn recurrence(r: &mut Reader<'_>, of: &str) -> Recurring {
    Recurring {
        anchor: r.optional(&format!("cycleAnchorDateOf{of}"), time),
        cycle: r.optional(&format!("cycleOf{of}"), cycle),
    }
}

fn contract_type(value: &Value) -> Result<ContractType, String> {
    one_of(value, "contract type evaluated here", &ContractType::NAMES)
}

fn currency(value: &Value) -> Result<&'static str, String> {
    money::currency(text(value)?)
        .map(|found| found.code)
        .map_err(|_| format!("({}) is not a currency of ISO 4217", shown(value)))
}

/// A code of the dictionary; the names that other standards use are not terms of this one.
fn business_day_rule(value: &Value) -> Result<BusinessDayRule, String> {
    let code = text(value)?.trim();
    SHIFTS
        .contains(&code.to_ascii_uppercase().as_str())
        .then(|| BusinessDayRule::parse(code).ok())
        .flatten()
        .ok_or_else(|| {
            format!("({}) is not a convention; known are {}", shown(value), SHIFTS.join(", "))
        })
}

fn cycle(value: &Value) -> Result<Cycle, String> {
    Cycle::parse(text(value)?).map_err(|reason| format!("({}) {reason}", shown(value)))
}

fn period(value: &Value) -> Result<Period, String> {
    Period::parse(text(value)?).map_err(|reason| format!("({}) {reason}", shown(value)))
}

/// An amount of either sign within the library's bounds.
fn amount(value: &Value) -> Result<Decimal, String> {
    within(value, AMOUNT_MAX, "units of currency")
}

fn amount_or_zero(value: &Value) -> Result<Decimal, String> {
    amount(value).and_then(|found| not_negative(value, found))
}

fn positive_amount(value: &Value) -> Result<Decimal, String> {
    let found = amount_or_zero(value)?;
    if found.is_zero() { Err("must be more than zero".into()) } else { Ok(found) }
}

/// An annual rate of either sign within the library's bounds.
fn rate(value: &Value) -> Result<Decimal, String> {
    within(value, ANNUAL_RATE_MAX, "a year as a fraction")
}

fn rate_or_zero(value: &Value) -> Result<Decimal, String> {
    rate(value).and_then(|found| not_negative(value, found))
}

fn within(value: &Value, limit: i64, unit: &str) -> Result<Decimal, String> {
    let found = number(value)?;
    if found.abs() > Decimal::from(limit) {
        return Err(format!("({}) is beyond {limit} {unit}", shown(value)));
    }
    Ok(found)
}

fn not_negative(value: &Value, found: Decimal) -> Result<Decimal, String> {
    if found.is_sign_negative() && !found.is_zero() {
        return Err(format!("({}) is negative; the role carries the sign", shown(value)));
    }
    Ok(found)
}

/// Whether interest and principal are scaled, from three letters such as `IN0` or `I00`.
fn scaling_effect(value: &Value) -> Result<(bool, bool), String> {
    let wrong =
        || format!("({}) is not a scaling effect such as 000, I00, 0N0 or IN0", shown(value));
    let given = text(value)?.trim();
    let is = |place: usize, letter: u8| match given.as_bytes().get(place) {
        Some(found) if *found == letter => Ok(true),
        Some(b'0' | b'O') => Ok(false),
        _ => Err(wrong()),
    };
    let (interest, notional, deferred) = (is(0, b'I')?, is(1, b'N')?, is(2, b'M')?);
    match (given.len(), deferred) {
        (3, false) => Ok((interest, notional)),
        (3, true) => Err("scales deferred interest, which these contracts have none of".into()),
        _ => Err(wrong()),
    }
}

/// Whether a penalty is due: a fixed amount, or none.
fn penalty_type(value: &Value) -> Result<bool, String> {
    match one_of(
        value,
        "penalty type",
        &[("N", 'N'), ("O", 'N'), ("A", 'A'), ("R", 'R'), ("I", 'I')],
    )? {
        'A' => Ok(true),
        'N' => Ok(false),
        _ => Err(format!(
            "({}) is not followed: dictionary and technical specification define it differently",
            shown(value)
        )),
    }
}

/// The one point of a cycle that is defined, `B` for its beginning or `E` for its end.
fn at_point(value: &Value, defined: &str, reason: &str) -> Result<(), String> {
    match text(value)? {
        "B" | "E" if text(value)? == defined => Ok(()),
        "B" | "E" => Err(format!("({}) is not followed: {reason}", shown(value))),
        _ => Err(format!("({}) is neither B nor E", shown(value))),
    }
}
