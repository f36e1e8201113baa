//! The terms of a contract, typed and checked.

mod arrays;
mod check;
mod read;
mod values;
mod vocabulary;

#[cfg(test)]
pub use vocabulary::names;

use rust_decimal::Decimal;

use super::contract::ContractType;
use super::cycle::{Cycle, Period};
use super::time::ContractTime;
use crate::domain::calendar::{BusinessCalendar, BusinessDayRule, DayCount};

/// The terms of a contract.
///
/// Amounts are in units of the currency and not negative unless said; rates are annual fractions.
/// The sign of what is paid and owed comes from the role alone.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What kind of contract it is.
    pub contract_type: ContractType,
    /// +1 for the side that lends, -1 for the side that borrows.
    pub role: Decimal,
    /// The time as of which the terms hold: nothing up to and at it is an event any more.
    pub status: ContractTime,
    /// ISO 4217 code of the currency of the principal.
    pub currency: &'static str,
    /// ISO 4217 code of the currency payments are made in, where it is another.
    pub settlement_currency: Option<&'static str>,
    /// How scheduled dates become dates of events.
    pub dates: DateRules,
    /// The principal: as of the initial exchange or, if that is past, of the status date.
    pub notional: Decimal,
    /// When the principal is paid out.
    pub initial_exchange: ContractTime,
    /// What is paid out beyond the principal; negative for a discount.
    pub premium_discount: Decimal,
    /// When what is left of the principal is due, where that is fixed.
    pub maturity: Option<ContractTime>,
    /// How the principal comes back on the way (LAM, NAM, ANN).
    pub redemption: RedemptionTerms,
    /// How interest accrues and is paid.
    pub interest: InterestTerms,
    /// How the rate changes.
    pub reset: ResetTerms,
    /// How payments follow an index.
    pub scaling: Option<ScalingTerms>,
    /// The fees.
    pub fee: Option<FeeTerms>,
    /// The purchase of the contract.
    pub purchase: Option<Trade>,
    /// The sale of the contract, which ends it for this side.
    pub termination: Option<Trade>,
    /// What an early repayment does.
    pub prepayment: PrepaymentTerms,
    /// Redemptions, interest dates and resets of a LAX.
    pub arrays: ArrayTerms,
    /// The notice of a call (CLM).
    pub notice: Option<Period>,
}

/// How scheduled dates become dates of events.
#[derive(Clone, Debug)]
pub struct DateRules {
    /// Whether a schedule that starts on the last day of a month keeps to last days.
    pub end_of_month: bool,
    /// Where an event goes whose day is no business day, and whether it takes its calculation
    /// with it.
    pub shift: BusinessDayRule,
    /// The business days.
    pub calendar: BusinessCalendar,
}

/// A series of dates: the first one, and how far it is to each next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recurring {
    /// The first date.
    pub anchor: Option<ContractTime>,
    /// The step.
    pub cycle: Option<Cycle>,
}

impl Recurring {
    /// Whether there are no such dates.
    pub fn is_absent(&self) -> bool {
        self.anchor.is_none() && self.cycle.is_none()
    }
}

/// How the principal comes back on the way.
#[derive(Clone, Copy, Debug)]
pub struct RedemptionTerms {
    /// When.
    pub dates: Recurring,
    /// How much each time, interest included in a NAM or ANN.
    pub payment: Option<Decimal>,
    /// The date to which an annuity is computed, where it is not the maturity.
    pub amortisation_end: Option<ContractTime>,
}

/// How interest accrues and is paid.
#[derive(Clone, Copy, Debug)]
pub struct InterestTerms {
    /// The annual rate.
    pub rate: Decimal,
    /// What part of a year lies between two dates.
    pub day_count: DayCount,
    /// Interest owed already, where it does not follow from the dates.
    pub accrued: Option<Decimal>,
    /// When it is paid.
    pub dates: Recurring,
    /// Until when it is added to the principal instead.
    pub capitalisation_end: Option<ContractTime>,
    /// From which amount it accrues.
    pub base: InterestBase,
}

/// From which amount interest accrues.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum InterestBase {
    /// The principal outstanding (`NT`).
    Notional,
    /// The principal at the initial exchange, or the amount given, throughout (`NTIED`).
    Fixed(Decimal),
    /// The amount given, brought up to the principal outstanding on dates of its own (`NTL`).
    Lagged {
        /// The amount until the first such date.
        amount: Decimal,
        /// The dates.
        dates: Recurring,
    },
}

/// How the rate changes.
#[derive(Clone, Debug)]
pub struct ResetTerms {
    /// When.
    pub dates: Recurring,
    /// The market object whose value the new rate follows.
    pub index: Option<String>,
    /// What the value is multiplied by.
    pub multiplier: Decimal,
    /// What is added to the product.
    pub spread: Decimal,
    /// The rate of the first reset, where it is known already.
    pub next: Option<Decimal>,
    /// The lowest rate ever.
    pub life_floor: Option<Decimal>,
    /// The highest rate ever.
    pub life_cap: Option<Decimal>,
    /// The most a reset may lower the rate by.
    pub period_floor: Option<Decimal>,
    /// The most a reset may raise the rate by.
    pub period_cap: Option<Decimal>,
}

/// How payments follow an index.
#[derive(Clone, Debug)]
pub struct ScalingTerms {
    /// Whether interest does.
    pub interest: bool,
    /// Whether principal does.
    pub notional: bool,
    /// The market object.
    pub index: String,
    /// Its value at the deal, which the later ones are divided by.
    pub base: Decimal,
    /// The multiple of interest before the first scaling date.
    pub interest_multiplier: Decimal,
    /// The multiple of principal before the first scaling date.
    pub notional_multiplier: Decimal,
    /// When the multiples are brought up to the index.
    pub dates: Recurring,
}

/// What a fee is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeeBasis {
    /// The fee rate is an amount, paid at each fee date (`A`).
    Amount,
    /// The fee rate accrues on the principal as interest does (`N`).
    Notional,
}

/// The fees.
#[derive(Clone, Copy, Debug)]
pub struct FeeTerms {
    /// An amount or an annual fraction, as the basis says.
    pub rate: Decimal,
    /// Which.
    pub basis: FeeBasis,
    /// Fees owed already, where they do not follow from the dates.
    pub accrued: Option<Decimal>,
    /// When they are paid.
    pub dates: Recurring,
}

/// A purchase or sale of the contract itself.
#[derive(Clone, Copy, Debug)]
pub struct Trade {
    /// When.
    pub time: ContractTime,
    /// The price, without accrued interest.
    pub price: Decimal,
}

/// What an early repayment of principal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrepaymentEffect {
    /// It is not allowed (`N`).
    Forbidden,
    /// Later redemptions become smaller (`A`).
    ReducesPayment,
    /// Later redemptions stay, and principal is gone sooner (`M`).
    ReducesMaturity,
}

/// What an early repayment does.
#[derive(Clone, Copy, Debug)]
pub struct PrepaymentTerms {
    /// To the redemptions that follow.
    pub effect: PrepaymentEffect,
    /// The amount that is paid on top of each, if any.
    pub penalty: Option<Decimal>,
}

/// Redemptions, interest dates and resets of a LAX, segment by segment.
#[derive(Clone, Debug, Default)]
pub struct ArrayTerms {
    /// The redemptions and drawings.
    pub redemptions: Vec<RedemptionSegment>,
    /// The dates of interest.
    pub interest: Vec<Segment>,
    /// The resets.
    pub resets: Vec<ResetSegment>,
}

/// Dates from an anchor to the next segment's anchor: the anchor alone without a cycle.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// The first date.
    pub anchor: ContractTime,
    /// The step.
    pub cycle: Option<Cycle>,
}

/// A stretch of equal redemptions or drawings.
#[derive(Clone, Copy, Debug)]
pub struct RedemptionSegment {
    /// When.
    pub dates: Segment,
    /// How much each time.
    pub amount: Decimal,
    /// Whether principal is drawn (`INC`) rather than redeemed (`DEC`).
    pub draws: bool,
}

/// A stretch of resets of one kind.
#[derive(Clone, Copy, Debug)]
pub struct ResetSegment {
    /// When.
    pub dates: Segment,
    /// The rate, or the spread over the index.
    pub rate: Decimal,
    /// Whether it is the rate (`F`) rather than the spread (`V`).
    pub fixed: bool,
}
