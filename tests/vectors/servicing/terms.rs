//! Products and loan applications as terms of ours.

use chrono::NaiveDate;
use loan_engine::domain::loan::servicing::{
    AccrualTerms, AllocationRule, AllocationTerms, ArrearsTerms, CapitalisedIncomeTerms,
    ChargeOffBehaviour, Component, DelinquencyBucket, FutureRule, LoanTerms, PayoffInterest,
    PenaltyTerms, PrepaymentEffect, Recalculation, RecalculationTerms, Target,
    TransactionAllocation, TransactionKind, Walk, When,
};
use loan_engine::domain::loan::terms::FeeBasis;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::steps::Settings;
use crate::schedule::{list, number, optional, percent, plain_terms, show, text, whole};

/// A loan as applied for or approved: the amount, and the day it is expected to be lent.
pub struct Agreed<'a> {
    pub application: &'a Value,
    pub amount: Decimal,
    pub lent_on: NaiveDate,
}

/// The terms of a loan.
pub fn loan_terms(
    agreed: &Agreed<'_>,
    products: &Value,
    settings: &Settings,
) -> Result<LoanTerms, String> {
    let name = text(agreed.application, "product")?;
    let mut product = products.get(name).ok_or_else(|| format!("no product {name}"))?.clone();
    settings.change(name, &mut product);
    let plain = json!({
        "terms": agreed.application,
        "product_settings": product,
        "effective_annual_rate_pct": annual_rate(agreed.application, &product)?.to_string(),
        "disbursement": {
            "date": agreed.lent_on.to_string(),
            "amount": agreed.amount.to_string(),
        },
    });
    let mut terms = LoanTerms::new(plain_terms(&plain)?);
    let is = |name: &str| product[name].as_bool() == Some(true);
    let servicing = &mut terms.servicing;
    servicing.currency = Some("EUR".into());
    servicing.allocation = allocation(agreed.application, &product)?;
    servicing.recalculation = recalculation(&product, settings)?;
    servicing.collect_down_payment = is("enableAutoRepaymentForDownPayment");
    servicing.lend_beyond = lend_beyond(agreed, &product)?;
    // Every application of the source asks for these days of grace, whatever the product's are.
    servicing.arrears = ArrearsTerms { grace_days: 3, ..ArrearsTerms::default() };
    servicing.penalties = penalties(name);
    servicing.delinquency = delinquency();
    servicing.delinquency_by_instalment = is("enableInstallmentLevelDelinquency");
    servicing.charge_off = match optional(&product, "chargeOffBehaviour") {
        Some("ZERO_INTEREST") => ChargeOffBehaviour::ZeroInterest,
        Some("ACCELERATE_MATURITY") => ChargeOffBehaviour::Accelerate,
        _ => ChargeOffBehaviour::Regular,
    };
    servicing.accrual = AccrualTerms {
        periodic: optional(&product, "accountingRule") == Some("ACCRUAL_PERIODIC"),
        activity: is("enableAccrualActivityPosting"),
        charges_when_due: settings.value("charge-accrual-date") != Some("submitted-date"),
        charges_after_maturity_at_once: settings
            .value("enable-immediate-charge-accrual-post-maturity")
            == Some("enabled"),
    };
    for name in list(&product, "supportedInterestRefundTypes").unwrap_or_default() {
        servicing.interest_refund.push(kind(name.as_str().unwrap_or_default())?);
    }
    servicing.capitalised_income =
        CapitalisedIncomeTerms { allowed: is("enableIncomeCapitalization") };
    Ok(terms)
}

/// The annual rate in per cent: products quote rates by the year, the month or the whole term.
fn annual_rate(application: &Value, product: &Value) -> Result<Decimal, String> {
    let rate = number(application, "annual_interest_rate_pct")?;
    let months = match optional(product, "interestRateFrequencyType") {
        Some("MONTH") => 1,
        Some("WHOLE_TERM") => whole(application, "loan_term")?,
        _ => return Ok(rate),
    };
    Ok(rate * Decimal::from(12) / Decimal::from(months))
}

fn lend_beyond(agreed: &Agreed<'_>, product: &Value) -> Result<Decimal, String> {
    let Some(more) = product["overAppliedNumber"].as_i64().map(Decimal::from) else {
        return Ok(Decimal::ZERO);
    };
    // The limit is one of what was applied for, whatever was approved.
    let applied = number(agreed.application, "principal")?;
    let most = match optional(product, "overAppliedCalculationType") {
        Some("percentage") => applied + applied * percent(more),
        _ => applied + more,
    };
    // What may be lent beyond is lent in whole minor units.
    let digits = product["digitsAfterDecimal"].as_u64().unwrap_or(2);
    let beyond = (most - agreed.amount).max(Decimal::ZERO);
    let digits = u32::try_from(digits).map_err(show)?;
    Ok(beyond.round_dp_with_strategy(digits, RoundingStrategy::ToZero))
}

fn allocation(application: &Value, product: &Value) -> Result<AllocationTerms, String> {
    let strategy = text(application, "payment_strategy")?;
    let mut terms = AllocationTerms {
        walk: match optional(product, "loanScheduleProcessingType") {
            Some("VERTICAL") => Walk::Vertical,
            _ => Walk::Horizontal,
        },
        ..AllocationTerms::default()
    };
    if strategy != "ADVANCED_PAYMENT_ALLOCATION" {
        terms.default = classic_rule(strategy)?;
        terms.charges_on_own_date = strategy.starts_with("DUE_");
        return Ok(terms);
    }
    for one in list(product, "paymentAllocation")? {
        let rule = AllocationRule {
            order: list(one, "order")?.iter().map(target).collect::<Result<_, _>>()?,
            future: match text(one, "futureInstallmentAllocationRule")? {
                "NEXT_INSTALLMENT" => FutureRule::Next,
                "LAST_INSTALLMENT" => FutureRule::Last,
                "NEXT_LAST_INSTALLMENT" => FutureRule::NextLast,
                "REAMORTIZATION" => FutureRule::Reamortise,
                other => return Err(format!("unknown rule {other}")),
            },
        };
        match text(one, "transactionType")? {
            "DEFAULT" => terms.default = rule,
            name => {
                let transaction = kind(name)?;
                terms.by_transaction.push(TransactionAllocation { transaction, rule });
            }
        }
    }
    for one in list(product, "creditAllocation").unwrap_or_default() {
        for name in list(one, "order")? {
            terms.chargeback.push(component(name.as_str().unwrap_or_default())?);
        }
    }
    Ok(terms)
}

/// Strategies that are a fixed order, named by it.
fn classic_rule(strategy: &str) -> Result<AllocationRule, String> {
    let named = strategy.trim_end_matches("_ORDER");
    let parts = match named.strip_prefix("DUE_").map(|rest| rest.split_once("_IN_ADVANCE_")) {
        Some(Some((due, in_advance))) => {
            [(When::PastDue, due), (When::Due, due), (When::InAdvance, in_advance)]
        }
        _ => [When::PastDue, When::Due, When::InAdvance].map(|when| (when, named)),
    };
    let mut order = Vec::new();
    for (when, names) in parts {
        for name in names.split('_') {
            order.push(Target { when, component: component(name)? });
        }
    }
    Ok(AllocationRule { order, future: FutureRule::Next })
}

fn component(name: &str) -> Result<Component, String> {
    match name {
        "PRINCIPAL" => Ok(Component::Principal),
        "INTEREST" => Ok(Component::Interest),
        "FEE" | "FEES" => Ok(Component::Fee),
        "PENALTY" | "PENALTIES" => Ok(Component::Penalty),
        other => Err(format!("unknown component {other}")),
    }
}

fn target(name: &Value) -> Result<Target, String> {
    Target::try_from(name.as_str().unwrap_or_default().to_ascii_lowercase())
}

fn kind(name: &str) -> Result<TransactionKind, String> {
    Ok(match name {
        "REPAYMENT" => TransactionKind::Repayment,
        "DOWN_PAYMENT" => TransactionKind::DownPayment,
        "GOODWILL_CREDIT" => TransactionKind::GoodwillCredit,
        "MERCHANT_ISSUED_REFUND" => TransactionKind::MerchantRefund,
        "PAYOUT_REFUND" => TransactionKind::PayoutRefund,
        "INTEREST_PAYMENT_WAIVER" => TransactionKind::InterestPaymentWaiver,
        "INTEREST_REFUND" => TransactionKind::InterestRefund,
        "CHARGE_REFUND" => TransactionKind::ChargeRefund,
        "CHARGE_ADJUSTMENT" => TransactionKind::ChargeAdjustment,
        other => return Err(format!("unknown transaction type {other}")),
    })
}

fn recalculation(product: &Value, settings: &Settings) -> Result<RecalculationTerms, String> {
    let is = |name: &str| product[name].as_bool() == Some(true);
    if !is("isInterestRecalculationEnabled") {
        return Ok(RecalculationTerms::default());
    }
    Ok(RecalculationTerms {
        interest: match optional(product, "recalculationRestFrequencyType") {
            Some("DAILY") => Recalculation::Daily,
            Some("SAME_AS_REPAYMENT") => Recalculation::AtDueDates,
            other => return Err(format!("unknown rest frequency {other:?}")),
        },
        prepayment: match optional(product, "rescheduleStrategyMethod") {
            Some("REDUCE_EMI_AMOUNT") => PrepaymentEffect::Instalment,
            Some("REDUCE_NUMBER_OF_INSTALLMENTS") => PrepaymentEffect::InstalmentCount,
            Some("RESCHEDULE_NEXT_REPAYMENTS") => PrepaymentEffect::NextDue,
            _ => PrepaymentEffect::LastInstalment,
        },
        payoff: match optional(product, "preClosureInterestCalculationStrategy") {
            Some("TILL_REST_FREQUENCY_DATE") => PayoffInterest::ToDueDate,
            _ => PayoffInterest::ToPayoffDate,
        },
        // The source's switch for this is for cumulative schedules alone.
        spare_overdue_principal: is("disallowInterestCalculationOnPastDue")
            || (optional(product, "loanScheduleType") == Some("CUMULATIVE")
                && settings.value("is-principal-compounding-disabled-for-overdue-loans")
                    == Some("enabled")),
        arrears_on_agreed_schedule: is("isArrearsBasedOnOriginalSchedule"),
    })
}

/// Products with a charge for lateness, which the description of products does not hold.
fn penalties(product: &str) -> Vec<PenaltyTerms> {
    let (name, basis) = match product {
        "LP1_INTEREST_FLAT_OVERDUE_FROM_AMOUNT" => ("% Late fee", FeeBasis::Amount),
        "LP1_INTEREST_FLAT_OVERDUE_FROM_AMOUNT_INTEREST" => {
            ("% Late fee amount+interest", FeeBasis::AmountAndInterest)
        }
        _ => return Vec::new(),
    };
    vec![PenaltyTerms {
        name: name.into(),
        value: Decimal::new(15, 3),
        basis,
        grace_days: 0,
        daily: false,
        cap: None,
        compounding: false,
    }]
}

/// The one list of classes that all products use.
fn delinquency() -> Vec<DelinquencyBucket> {
    const ENDS: [u32; 9] = [3, 30, 60, 90, 120, 150, 180, 240, u32::MAX];
    const NAMES: [&str; 9] = ["1", "3", "30", "60", "90", "120", "150", "180", "240"];
    let mut from_days = 1;
    let mut buckets = Vec::new();
    for (end, name) in ENDS.into_iter().zip(NAMES) {
        let to_days = (end != u32::MAX).then_some(end);
        buckets.push(DelinquencyBucket { name: format!("RANGE_{name}"), from_days, to_days });
        from_days = end.saturating_add(1);
    }
    buckets
}
