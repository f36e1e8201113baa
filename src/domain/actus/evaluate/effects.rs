//! What each event pays and does: the payoff and state transition functions of the standard.
//!
//! They are shared by all contract types. Interest and fees are brought up to the event's day
//! before anything else, so what an event does is written down without them.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::Evaluation;
use crate::domain::actus::annuity::annuity_payment;
use crate::domain::actus::contract::{Amortisation, ContractType};
use crate::domain::actus::error::ActusError;
use crate::domain::actus::plan::{Action, Planned};
use crate::domain::actus::state::State;
use crate::domain::actus::terms::{FeeBasis, InterestBase, PrepaymentEffect};
use crate::domain::decimal::{add, div, mul, sub};

/// What an event pays to this side, before it is settled in another currency.
type Paid = Result<Decimal, ActusError>;

impl Evaluation<'_> {
    /// Applies an event to the state.
    ///
    /// # Errors
    /// [`ActusError`] if an observation is missing or a number does not fit.
    pub(super) fn apply(&self, planned: &Planned, state: &mut State) -> Paid {
        self.accrue(state, planned.slot.calculated)?;
        match planned.action {
            Action::Exchange => self.exchange(state),
            Action::Redeem(amount) => self.redeem(state, amount),
            Action::Draw(amount) => self.draw(state, amount),
            Action::Prepay(amount) => self.prepay(state, amount),
            Action::Penalise(amount) => Ok(mul(self.terms.role, amount)?),
            Action::Fee => self.pay_fee(state),
            Action::PayInterest => pay_interest(state),
            Action::Capitalise => self.capitalise(state),
            Action::FixRate(rate) => set(&mut state.rate, rate),
            Action::ResetRate(spread) => self.reset_rate(state, planned, spread),
            Action::FixPayment => {
                let payment = self.redeeming_payment(state)?;
                set(&mut state.next_payment, payment)
            }
            Action::Scale => self.scale(state, planned),
            Action::FixBase => {
                let notional = state.notional;
                set(&mut state.interest_base, notional)
            }
            Action::Purchase(price) => Ok(sub(Decimal::ZERO, self.traded_at(state, price)?)?),
            Action::Terminate(price) => {
                let paid = self.traded_at(state, price)?;
                clear(state);
                Ok(paid)
            }
            Action::Mature | Action::Settle => repay(state),
            Action::Call { settled_later: true } => claim(state),
            Action::Call { settled_later: false } | Action::Monitor => Ok(Decimal::ZERO),
        }
    }

    /// IED: -R · (NT + PDIED) is paid. Interest starts, or has since an anchor before.
    fn exchange(&self, state: &mut State) -> Paid {
        let terms = self.terms;
        self.lend(state)?;
        state.accrued_interest = match (terms.interest.accrued, terms.interest.dates.anchor) {
            (Some(accrued), _) => mul(terms.role, accrued)?,
            (None, Some(anchor)) if anchor < terms.initial_exchange => {
                self.interest(state, terms.dates.accrual_day(anchor)?, state.accrued_to)?
            }
            _ => Decimal::ZERO,
        };
        state.next_payment = self.payment(state)?;
        let lent = mul(terms.role, add(terms.notional, terms.premium_discount)?)?;
        Ok(sub(Decimal::ZERO, lent)?)
    }

    /// Principal, rate and interest base as the terms give them.
    pub(super) fn lend(&self, state: &mut State) -> Result<(), ActusError> {
        let terms = self.terms;
        state.notional = mul(terms.role, terms.notional)?;
        state.rate = terms.interest.rate;
        state.interest_base = match terms.interest.base {
            InterestBase::Notional => state.notional,
            InterestBase::Fixed(amount) | InterestBase::Lagged { amount, .. } => {
                mul(terms.role, amount)?
            }
        };
        Ok(())
    }

    /// The next payment: the one the terms name, or the one that redeems the principal.
    pub(super) fn payment(&self, state: &State) -> Result<Decimal, ActusError> {
        match self.terms.redemption.payment {
            Some(payment) => Ok(mul(self.terms.role, payment)?),
            None => self.redeeming_payment(state),
        }
    }

    /// The constant payment that leaves nothing: equal parts of the principal for a LAM, an
    /// annuity at the rate as it is for an ANN. Other payments do not follow from anything.
    fn redeeming_payment(&self, state: &State) -> Result<Decimal, ActusError> {
        let days = self.plan.redemption_days.get(state.redemptions..).unwrap_or_default();
        match self.terms.contract_type {
            ContractType::Lam => Ok(div(state.notional, Decimal::from(days.len().max(1)))?),
            ContractType::Ann => self.annuity(state, days),
            _ => Ok(state.next_payment),
        }
    }

    fn annuity(&self, state: &State, days: &[NaiveDate]) -> Result<Decimal, ActusError> {
        let Some(&first) = days.first() else {
            return Ok(Decimal::ZERO);
        };
        let mut growth = Vec::with_capacity(days.len());
        for (&from, &to) in days.iter().zip(days.iter().skip(1)) {
            let interest = mul(state.rate, self.part_of_year(from, to)?)?;
            growth.push(add(Decimal::ONE, interest)?);
        }
        Ok(annuity_payment(self.owed_on(state, first)?, growth)?)
    }

    /// PR: principal as the contract type divides the payment, but never more than there is.
    fn redeem(&self, state: &mut State, amount: Option<Decimal>) -> Paid {
        state.redemptions += 1;
        let wanted = match (amount, self.terms.contract_type.amortisation()) {
            (Some(amount), _) => mul(self.terms.role, amount)?,
            (None, Amortisation::Payment) => sub(state.next_payment, state.accrued_interest)?,
            (None, Amortisation::Principal | Amortisation::None) => state.next_payment,
        };
        self.reduce(state, wanted)
    }

    /// PI: more principal is paid out.
    fn draw(&self, state: &mut State, amount: Decimal) -> Paid {
        self.reduce(state, sub(Decimal::ZERO, mul(self.terms.role, amount)?)?)
    }

    /// PP: principal comes back early, and later payments become smaller where the terms say so.
    fn prepay(&self, state: &mut State, amount: Decimal) -> Paid {
        let paid = self.reduce(state, mul(self.terms.role, amount)?)?;
        if self.terms.prepayment.effect == PrepaymentEffect::ReducesPayment {
            state.next_payment = self.redeeming_payment(state)?;
        }
        Ok(paid)
    }

    /// Takes from the principal, no more than there is, and pays it scaled.
    fn reduce(&self, state: &mut State, wanted: Decimal) -> Paid {
        let left = mul(sub(state.notional, wanted)?, self.terms.role)?;
        let taken = if left < Decimal::ZERO { state.notional } else { wanted };
        state.notional = sub(state.notional, taken)?;
        self.follow_notional(state);
        Ok(mul(state.notional_scaling, taken)?)
    }

    /// Interest accrues on the principal as it is now, unless the terms have another base.
    fn follow_notional(&self, state: &mut State) {
        if self.terms.interest.base == InterestBase::Notional {
            state.interest_base = state.notional;
        }
    }

    /// IPCI: interest owed becomes principal.
    pub(super) fn capitalise(&self, state: &mut State) -> Paid {
        let interest = std::mem::take(&mut state.accrued_interest);
        state.notional = add(state.notional, interest)?;
        self.follow_notional(state);
        Ok(Decimal::ZERO)
    }

    /// FP: an amount, or the fees owed.
    fn pay_fee(&self, state: &mut State) -> Paid {
        let owed = std::mem::take(&mut state.accrued_fees);
        match &self.terms.fee {
            Some(fee) if fee.basis == FeeBasis::Amount => Ok(mul(self.terms.role, fee.rate)?),
            _ => Ok(owed),
        }
    }

    /// RR: the index times RRMLT plus RRSP, within what one reset may change and within the bounds
    /// of the rate.
    fn reset_rate(&self, state: &mut State, planned: &Planned, spread: Decimal) -> Paid {
        let reset = &self.terms.reset;
        let index = reset.index.as_deref().unwrap_or_default();
        let value = self.observed.value_at(index, planned.slot.scheduled)?;
        let mut rate = add(mul(value, reset.multiplier)?, spread)?;
        if let Some(fall) = reset.period_floor {
            rate = rate.max(sub(state.rate, fall)?);
        }
        if let Some(rise) = reset.period_cap {
            rate = rate.min(add(state.rate, rise)?);
        }
        if let Some(floor) = reset.life_floor {
            rate = rate.max(floor);
        }
        if let Some(cap) = reset.life_cap {
            rate = rate.min(cap);
        }
        set(&mut state.rate, rate)
    }

    /// SC: the multiples become the index over its value at the deal.
    fn scale(&self, state: &mut State, planned: &Planned) -> Paid {
        if let Some(scaling) = &self.terms.scaling {
            let value = self.observed.value_at(&scaling.index, planned.slot.scheduled)?;
            let multiple = div(value, scaling.base)?;
            if scaling.interest {
                state.interest_scaling = multiple;
            }
            if scaling.notional {
                state.notional_scaling = multiple;
            }
        }
        Ok(Decimal::ZERO)
    }

    /// What the contract is worth at a price: R · (price + interest owed), as the standard writes
    /// it. Interest owed has the sign of the role already, so the interest a borrower owes lowers
    /// the amount; published contracts show it so.
    fn traded_at(&self, state: &State, price: Decimal) -> Paid {
        Ok(mul(self.terms.role, add(price, state.accrued_interest)?)?)
    }
}

/// IP: interest owed is paid, scaled.
fn pay_interest(state: &mut State) -> Paid {
    let accrued = std::mem::take(&mut state.accrued_interest);
    let claimed = std::mem::take(&mut state.claimed_interest);
    Ok(mul(state.interest_scaling, add(accrued, claimed)?)?)
}

/// XD with notice: from the call to its settlement nothing accrues any more, and what has is a
/// claim of its own, as published call money shows.
fn claim(state: &mut State) -> Paid {
    state.claimed_interest = std::mem::take(&mut state.accrued_interest);
    state.interest_base = Decimal::ZERO;
    Ok(Decimal::ZERO)
}

/// MD and STD: Nsc · Nt + Isc · Ipac + Feac; all that is left is paid.
fn repay(state: &mut State) -> Paid {
    let principal = mul(state.notional_scaling, state.notional)?;
    let interest = mul(state.interest_scaling, state.accrued_interest)?;
    let paid = add(add(principal, interest)?, state.accrued_fees)?;
    clear(state);
    Ok(paid)
}

/// Nothing is owed any more.
fn clear(state: &mut State) {
    state.notional = Decimal::ZERO;
    state.interest_base = Decimal::ZERO;
    state.accrued_interest = Decimal::ZERO;
    state.accrued_fees = Decimal::ZERO;
}

/// Changes one variable; nothing is paid.
fn set(variable: &mut Decimal, value: Decimal) -> Paid {
    *variable = value;
    Ok(Decimal::ZERO)
}
