//! What terms must be to each other.

use super::{PrepaymentEffect, Recurring, Terms};
use crate::domain::actus::contract::ContractType;
use crate::domain::actus::reader::Reader;
use crate::domain::actus::time::ContractTime;

/// Notes what contradicts itself or is missing.
pub fn check(terms: &Terms, reader: &mut Reader<'_>) {
    check_principal(terms, reader);
    check_resets(terms, reader);
    check_trades(terms, reader);
    if terms.prepayment.effect == PrepaymentEffect::ReducesPayment
        && matches!(terms.contract_type, ContractType::Nam | ContractType::Lax)
    {
        let reason = "(A) is not followed: how it changes these redemptions is not defined";
        reader.note("prepaymentEffect", reason);
    }
}

fn check_principal(terms: &Terms, reader: &mut Reader<'_>) {
    const MATURITY: &str = "maturityDate";
    const PAYMENT: &str = "nextPrincipalRedemptionPayment";
    let (redemption, exchange) = (&terms.redemption, terms.initial_exchange);
    after(reader, MATURITY, terms.maturity, "initialExchangeDate", exchange);
    after(reader, "amortizationDate", redemption.amortisation_end, "initialExchangeDate", exchange);
    if let (Some(end), Some(maturity)) = (redemption.amortisation_end, terms.maturity)
        && end < maturity
    {
        reader.note("amortizationDate", format!("is before {MATURITY} ({maturity})"));
    }
    let ends = terms.maturity.is_some() || redemption.amortisation_end.is_some();
    match terms.contract_type {
        ContractType::Pam if !ends => reader.note(MATURITY, "is missing"),
        ContractType::Clm if !ends && terms.notice.is_none() => {
            reader.note("xDayNotice", "is missing and so is maturityDate");
        }
        ContractType::Lax if terms.arrays.redemptions.is_empty() => {
            reader.note("arrayCycleAnchorDateOfPrincipalRedemption", "is missing");
        }
        _ => {}
    }
    if !terms.contract_type.redeems_by_cycle() {
        return;
    }
    let Recurring { anchor, cycle } = redemption.dates;
    if anchor.is_some_and(|anchor| anchor < exchange) {
        let reason = format!("is before initialExchangeDate ({exchange})");
        reader.note("cycleAnchorDateOfPrincipalRedemption", reason);
    }
    if redemption.payment.is_none() && (terms.contract_type == ContractType::Nam || !ends) {
        reader.note(PAYMENT, "is missing");
    }
    if !ends && cycle.is_none() && anchor.is_some() {
        reader.note(MATURITY, "is missing and so is cycleOfPrincipalRedemption");
    }
    if !ends && redemption.payment.is_some_and(|payment| payment.is_zero()) {
        reader.note(PAYMENT, "is zero, so principal is never redeemed; give maturityDate");
    }
}

fn check_resets(terms: &Terms, reader: &mut Reader<'_>) {
    let reset = &terms.reset;
    let varies =
        !reset.dates.is_absent() || terms.arrays.resets.iter().any(|segment| !segment.fixed);
    if varies && reset.index.is_none() {
        reader.note("marketObjectCodeOfRateReset", "is missing");
    }
    if !varies && reset.next.is_some() {
        reader.note("nextResetRate", "has no reset to apply to");
    }
    if let (Some(floor), Some(cap)) = (reset.life_floor, reset.life_cap)
        && floor > cap
    {
        reader.note("lifeFloor", format!("({floor}) is above lifeCap ({cap})"));
    }
}

fn check_trades(terms: &Terms, reader: &mut Reader<'_>) {
    let bought = terms.purchase.map(|trade| trade.time);
    let sold = terms.termination.map(|trade| trade.time);
    after(reader, "purchaseDate", bought, "initialExchangeDate", terms.initial_exchange);
    after(reader, "terminationDate", sold, "initialExchangeDate", terms.initial_exchange);
    if let (Some(sold), Some(maturity)) = (sold, terms.maturity)
        && sold > maturity
    {
        reader.note("terminationDate", format!("({sold}) is after maturityDate ({maturity})"));
    }
    if let Some(bought) = bought {
        after(reader, "terminationDate", sold, "purchaseDate", bought);
        after(reader, "maturityDate", terms.maturity, "purchaseDate", bought);
    }
}

fn after(
    reader: &mut Reader<'_>,
    name: &str,
    time: Option<ContractTime>,
    before_name: &str,
    before: ContractTime,
) {
    if let Some(time) = time
        && time <= before
    {
        reader.note(name, format!("({time}) is not after {before_name} ({before})"));
    }
}
