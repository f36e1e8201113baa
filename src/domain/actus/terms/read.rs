//! Terms out of JSON.

use rust_decimal::Decimal;
use serde_json::Value;

use super::arrays::arrays;
use super::values::{
    amount, amount_or_zero, at_point, business_day_rule, calendar, contract_type, currency, cycle,
    day_count, divisor, end_of_month, penalty_type, period, positive_amount, rate, rate_or_zero,
    role, scaling_effect,
};
use super::vocabulary::check_names;
use super::{
    DateRules, FeeBasis, FeeTerms, InterestBase, InterestTerms, PrepaymentEffect, PrepaymentTerms,
    Recurring, RedemptionTerms, ResetTerms, ScalingTerms, Terms, Trade, check,
};
use crate::domain::actus::contract::ContractType;
use crate::domain::actus::error::{ActusError, Problem};
use crate::domain::actus::reader::{Reader, label, one_of, shown, time};
use crate::domain::calendar::BusinessCalendar;

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
        // What terms are to each other is only worth asking once each is right by itself.
        if let Some(terms) = terms.as_ref().filter(|_| reader.is_clean()) {
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
    let role = r.required("contractRole", role);
    let status = r.required("statusDate", time);
    let currency = r.required("currency", currency);
    let settlement = r.optional("settlementCurrency", self::currency);
    let dates = date_rules(r);
    let notional = r.required("notionalPrincipal", positive_amount);
    let initial_exchange = r.required("initialExchangeDate", time);
    let premium_discount = r.optional("premiumDiscountAtIED", amount);
    let maturity = r.optional("maturityDate", time);
    let redemption = redemption(r, contract_type);
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
        role: role?,
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
    DateRules {
        end_of_month: r.optional("endOfMonthConvention", end_of_month).unwrap_or(false),
        shift: r.optional("businessDayConvention", business_day_rule).unwrap_or_default(),
        calendar: r.optional("calendar", calendar).unwrap_or_else(BusinessCalendar::every_day),
    }
}

fn redemption(r: &mut Reader<'_>, contract_type: ContractType) -> RedemptionTerms {
    RedemptionTerms {
        dates: recurring(r, "PrincipalRedemption", contract_type.redeems_by_cycle()),
        payment: r.optional("nextPrincipalRedemptionPayment", amount_or_zero),
        amortisation_end: r.optional("amortizationDate", time),
    }
}

fn interest(r: &mut Reader<'_>, notional: Option<Decimal>) -> Option<InterestTerms> {
    let rate = r.required("nominalInterestRate", rate);
    let day_count = r.required("dayCountConvention", day_count);
    let accrued = r.optional("accruedInterest", amount);
    let dates = recurring(r, "InterestPayment", false);
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
    const NAMES: [(&str, char); 3] = [("NT", 'N'), ("NTIED", 'F'), ("NTL", 'L')];
    let name = r.optional("interestCalculationBase", |v| one_of(v, "interest base", &NAMES));
    let lagged = name == Some('L');
    let amount = r.required_if(lagged, "interestCalculationBaseAmount", amount_or_zero);
    let dates = recurring(r, "InterestCalculationBase", lagged);
    match name {
        Some('F') => Some(InterestBase::Fixed(amount.or(notional)?)),
        Some('L') => Some(InterestBase::Lagged { amount: amount?, dates }),
        _ => Some(InterestBase::Notional),
    }
}

fn reset(r: &mut Reader<'_>) -> ResetTerms {
    r.optional("cyclePointOfRateReset", |v| {
        at_point(v, "B", "a rate fixed at the end of its period is not defined")
    });
    ResetTerms {
        dates: recurring(r, "RateReset", false),
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
    let (interest, notional) =
        r.optional("scalingEffect", scaling_effect).unwrap_or((false, false));
    let scaled = interest || notional;
    let index = r.required_if(scaled, "marketObjectCodeOfScalingIndex", label);
    let base = r.required_if(scaled, "scalingIndexAtContractDealDate", divisor);
    let interest_multiplier = r.optional("interestScalingMultiplier", amount);
    let notional_multiplier = r.optional("notionalScalingMultiplier", amount);
    let dates = recurring(r, "ScalingIndex", scaled);
    if !scaled {
        return None;
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
    let rate = r.optional("feeRate", amount).filter(|rate| !rate.is_zero());
    let basis = r.required_if(rate.is_some(), "feeBasis", |v| one_of(v, "fee basis", &BASES));
    let accrued = r.optional("feeAccrued", amount);
    let dates = recurring(r, "Fee", false);
    Some(FeeTerms { rate: rate?, basis: basis?, accrued, dates })
}

/// A trade. A price without a date says nothing; published contracts have some, so it is taken.
fn trade(r: &mut Reader<'_>, date: &str, price: &str) -> Option<Trade> {
    let time = r.optional(date, time);
    let price = r.required_if(time.is_some(), price, amount);
    Some(Trade { time: time?, price: price? })
}

fn prepayment(r: &mut Reader<'_>) -> PrepaymentTerms {
    const EFFECTS: [(&str, PrepaymentEffect); 3] = [
        ("N", PrepaymentEffect::Forbidden),
        ("A", PrepaymentEffect::ReducesPayment),
        ("M", PrepaymentEffect::ReducesMaturity),
    ];
    let effect = r.optional("prepaymentEffect", |v| one_of(v, "prepayment effect", &EFFECTS));
    let fixed = r.optional("penaltyType", penalty_type).unwrap_or(false);
    let penalty = r.required_if(fixed, "penaltyRate", amount_or_zero);
    PrepaymentTerms {
        effect: effect.unwrap_or(PrepaymentEffect::Forbidden),
        penalty: penalty.filter(|_| fixed),
    }
}

/// The dates of one kind; with neither anchor nor cycle there are none, which may be a problem.
fn recurring(r: &mut Reader<'_>, of: &str, required: bool) -> Recurring {
    let (anchor, cycle_name) = (format!("cycleAnchorDateOf{of}"), format!("cycleOf{of}"));
    let lacks_anchor = r.value(&anchor).is_none();
    Recurring {
        anchor: r.optional(&anchor, time),
        cycle: r.required_if(required && lacks_anchor, &cycle_name, cycle),
    }
}
