//! What each event pays and does: the payoff and state transition functions of the standard.
//!
//! The functions are shared by all contract types. Interest and fees are brought up to the event's
//! day before anything else, so what an event does is written down without them.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::annuity::payment_on;
use super::contract::{Amortisation, ContractType};
use super::error::ActusError;
use super::event::ContractEvent;
use super::observed::Observed;
use super::plan::{Action, Plan, Planned};
use super::state::State;
use super::terms::{FeeBasis, InterestBase, PrepaymentEffect, Terms};
use crate::domain::calendar::{DayCountContext, year_fraction};
use crate::domain::decimal::{add, div, mul, sub};

/// A contract under evaluation.
pub struct Evaluation<'a> {
    terms: &'a Terms,
    observed: &'a Observed,
    plan: &'a Plan,
}

impl<'a> Evaluation<'a> {
    /// Evaluates a plan of a contract.
    pub fn new(terms: &'a Terms, observed: &'a Observed, plan: &'a Plan) -> Self {
        Self { terms, observed, plan }
    }

    /// The events: a fold of the plan over the state.
    ///
    /// # Errors
    /// [`ActusError`] if an observation is missing or a number does not fit.
    pub fn run(&self) -> Result<Vec<ContractEvent>, ActusError> {
        let mut state = self.initial_state()?;
        let mut events = Vec::with_capacity(self.plan.events.len());
        for (index, planned) in self.plan.events.iter().enumerate() {
            let paid = self.apply(planned, &mut state)?;
            if index < self.plan.unseen {
                continue;
            }
            events.push(ContractEvent {
                time: planned.slot.shown,
                event_type: planned.action.event_type(),
                payoff: self.settled(paid, planned)?.normalize(),
                currency: self.terms.settlement_currency.unwrap_or(self.terms.currency),
                notional_principal: state.notional.normalize(),
                nominal_interest_rate: state.rate.normalize(),
                accrued_interest: state.accrued_interest.normalize(),
            });
        }
        Ok(events)
    }

    /// The state as of the status date.
    fn initial_state(&self) -> Result<State, ActusError> {
        let terms = self.terms;
        let mut state = State::before_exchange(terms.dates.accrual_day(terms.status)?);
        if let Some(scaling) = &terms.scaling {
            if scaling.interest {
                state.interest_scaling = scaling.interest_multiplier;
            }
            if scaling.notional {
                state.notional_scaling = scaling.notional_multiplier;
            }
        }
        if terms.initial_exchange > terms.status {
            return Ok(state);
        }
        self.lend(&mut state)?;
        let today = state.accrued_to;
        state.accrued_interest = match (terms.interest.accrued, self.plan.interest_settled) {
            (Some(accrued), _) => mul(terms.role, accrued)?,
            (None, Some(settled)) => self.interest(&state, settled, today)?,
            (None, None) => Decimal::ZERO,
        };
        if let Some(fee) = &terms.fee {
            state.accrued_fees = match (fee.accrued, self.plan.fees_settled) {
                (Some(accrued), _) => mul(terms.role, accrued)?,
                (None, Some(settled)) => self.fees(&state, settled, today)?,
                (None, None) => Decimal::ZERO,
            };
        }
        state.next_payment = self.first_payment(&state, Due::AfterToday)?;
        Ok(state)
    }

    /// Applies an event: returns what is paid, in the currency of the principal.
    fn apply(&self, planned: &Planned, state: &mut State) -> Result<Decimal, ActusError> {
        self.accrue(state, planned.slot.calculated)?;
        match planned.action {
            Action::Exchange => self.exchange(state),
            Action::Redeem(fixed) => self.redeem(state, fixed),
            Action::Draw(amount) => self.draw(state, amount),
            Action::Penalise(amount) => Ok(mul(self.terms.role, amount)?),
            Action::Prepay(amount) => self.prepay(state, amount),
            Action::Fee => self.pay_fee(state),
            Action::PayInterest => pay_interest(state),
            Action::Capitalise => self.capitalise(state),
            Action::FixRate(rate) => {
                state.rate = rate;
                Ok(Decimal::ZERO)
            }
            Action::ResetRate(spread) => self.reset_rate(state, planned, spread),
            Action::FixPayment => {
                state.next_payment = self.annuity(state, Due::AfterToday)?;
                Ok(Decimal::ZERO)
            }
            Action::Scale => self.scale(state, planned),
            Action::FixBase => {
                state.interest_base = state.notional;
                Ok(Decimal::ZERO)
            }
            Action::Purchase(price) => Ok(-self.trade(state, price)?),
            Action::Terminate(price) => {
                let paid = self.trade(state, price)?;
                end(state);
                Ok(paid)
            }
            Action::Mature | Action::Settle => {
                let principal = mul(state.notional_scaling, state.notional)?;
                let interest = mul(state.interest_scaling, state.accrued_interest)?;
                let paid = add(add(principal, interest)?, state.accrued_fees)?;
                end(state);
                Ok(paid)
            }
            Action::Call { settled_later } => {
                if settled_later {
                    claim(state);
                }
                Ok(Decimal::ZERO)
            }
            Action::Monitor => Ok(Decimal::ZERO),
        }
    }

    /// Brings interest and fees up to a day.
    fn accrue(&self, state: &mut State, day: NaiveDate) -> Result<(), ActusError> {
        let interest = self.interest(state, state.accrued_to, day)?;
        state.accrued_interest = add(state.accrued_interest, interest)?;
        let fees = self.fees(state, state.accrued_to, day)?;
        state.accrued_fees = add(state.accrued_fees, fees)?;
        state.accrued_to = day;
        Ok(())
    }

    fn interest(
        &self,
        state: &State,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<Decimal, ActusError> {
        Ok(mul(mul(state.interest_base, state.rate)?, self.part_of_year(from, to)?)?)
    }

    fn fees(&self, state: &State, from: NaiveDate, to: NaiveDate) -> Result<Decimal, ActusError> {
        match &self.terms.fee {
            Some(fee) if fee.basis == FeeBasis::Notional => {
                Ok(mul(mul(state.notional, fee.rate)?, self.part_of_year(from, to)?)?)
            }
            _ => Ok(Decimal::ZERO),
        }
    }

    fn part_of_year(&self, from: NaiveDate, to: NaiveDate) -> Result<Decimal, ActusError> {
        let context =
            DayCountContext { schedule_end: self.plan.maturity_day, ..DayCountContext::default() };
        Ok(year_fraction(self.terms.interest.day_count, from, to, &context)?)
    }

    /// Principal, rate and base as the terms give them.
    fn lend(&self, state: &mut State) -> Result<(), ActusError> {
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

    /// IED: -R · (NT + PDIED) is paid; interest starts, or has since an anchor before.
    fn exchange(&self, state: &mut State) -> Result<Decimal, ActusError> {
        let terms = self.terms;
        self.lend(state)?;
        let today = state.accrued_to;
        state.accrued_interest = match (terms.interest.accrued, terms.interest.dates.anchor) {
            (Some(accrued), _) => mul(terms.role, accrued)?,
            (None, Some(anchor)) if anchor < terms.initial_exchange => {
                self.interest(state, terms.dates.accrual_day(anchor)?, today)?
            }
            _ => Decimal::ZERO,
        };
        state.next_payment = self.first_payment(state, Due::FromToday)?;
        Ok(-mul(terms.role, add(terms.notional, terms.premium_discount)?)?)
    }

    /// The next payment where no event has fixed it yet.
    fn first_payment(&self, state: &State, due: Due) -> Result<Decimal, ActusError> {
        let terms = self.terms;
        match (terms.redemption.payment, terms.contract_type) {
            (Some(payment), _) => Ok(mul(terms.role, payment)?),
            (None, ContractType::Lam) => self.equal_redemption(state, due),
            (None, ContractType::Ann) => self.annuity(state, due),
            (None, _) => Ok(Decimal::ZERO),
        }
    }

    /// The days of redemptions to come.
    fn days_left(&self, state: &State, due: Due) -> &[NaiveDate] {
        let days = &self.plan.redemption_days;
        let past = days.partition_point(|&day| match due {
            Due::FromToday => day < state.accrued_to,
            Due::AfterToday => day <= state.accrued_to,
        });
        days.get(past..).unwrap_or_default()
    }

    /// The principal in as many equal parts as there are redemptions left, the end included.
    fn equal_redemption(&self, state: &State, due: Due) -> Result<Decimal, ActusError> {
        let left = self.days_left(state, due).len().max(1);
        Ok(div(state.notional, Decimal::from(left))?)
    }

    /// The payment that redeems what is owed by the end of the amortisation.
    fn annuity(&self, state: &State, due: Due) -> Result<Decimal, ActusError> {
        payment_on(
            self.days_left(state, due),
            state.accrued_to,
            state.notional,
            state.accrued_interest,
            state.rate,
            |from, to| self.part_of_year(from, to),
        )
    }

    /// PR: principal as the contract type divides the payment, but never more than there is.
    fn redeem(&self, state: &mut State, fixed: Option<Decimal>) -> Result<Decimal, ActusError> {
        let wanted = match (fixed, self.terms.contract_type.amortisation()) {
            (Some(amount), _) => mul(self.terms.role, amount)?,
            (None, Amortisation::Payment) => sub(state.next_payment, state.accrued_interest)?,
            (None, Amortisation::Principal | Amortisation::None) => state.next_payment,
        };
        self.reduce(state, wanted)
    }

    /// PI: principal is paid out.
    fn draw(&self, state: &mut State, amount: Decimal) -> Result<Decimal, ActusError> {
        let drawn = mul(self.terms.role, amount)?;
        self.reduce(state, -drawn)
    }

    /// PP: principal comes back early, and payments become smaller where the terms say so.
    fn prepay(&self, state: &mut State, amount: Decimal) -> Result<Decimal, ActusError> {
        let paid = self.reduce(state, mul(self.terms.role, amount)?)?;
        if self.terms.prepayment.effect == PrepaymentEffect::ReducesPayment {
            state.next_payment = match self.terms.contract_type {
                ContractType::Lam => self.equal_redemption(state, Due::AfterToday)?,
                ContractType::Ann => self.annuity(state, Due::AfterToday)?,
                _ => state.next_payment,
            };
        }
        Ok(paid)
    }

    /// Takes from the principal, no more than there is, and returns the scaled amount.
    fn reduce(&self, state: &mut State, wanted: Decimal) -> Result<Decimal, ActusError> {
        let excess = sub(mul(wanted, self.terms.role)?, mul(state.notional, self.terms.role)?)?;
        let taken = if excess > Decimal::ZERO { state.notional } else { wanted };
        state.notional = sub(state.notional, taken)?;
        self.follow_notional(state);
        Ok(mul(state.notional_scaling, taken)?)
    }

    /// Interest accrues on the principal as it is now, unless the terms say otherwise.
    fn follow_notional(&self, state: &mut State) {
        if self.terms.interest.base == InterestBase::Notional {
            state.interest_base = state.notional;
        }
    }

    /// FP: an amount, or what has accrued.
    fn pay_fee(&self, state: &mut State) -> Result<Decimal, ActusError> {
        let accrued = std::mem::take(&mut state.accrued_fees);
        match &self.terms.fee {
            Some(fee) if fee.basis == FeeBasis::Amount => Ok(mul(self.terms.role, fee.rate)?),
            _ => Ok(accrued),
        }
    }

    /// IPCI: interest owed becomes principal.
    fn capitalise(&self, state: &mut State) -> Result<Decimal, ActusError> {
        let interest = std::mem::take(&mut state.accrued_interest);
        state.notional = add(state.notional, interest)?;
        self.follow_notional(state);
        Ok(Decimal::ZERO)
    }

    /// RR: index · RRMLT + RRSP, within what one reset may change and within the rate's bounds.
    fn reset_rate(
        &self,
        state: &mut State,
        planned: &Planned,
        spread: Decimal,
    ) -> Result<Decimal, ActusError> {
        let reset = &self.terms.reset;
        let index = reset.index.as_deref().unwrap_or_default();
        let value = self.observed.value_at(index, planned.slot.scheduled)?;
        let wanted = add(mul(value, reset.multiplier)?, spread)?;
        let mut change = sub(wanted, state.rate)?;
        if let Some(fall) = reset.period_floor {
            change = change.max(-fall);
        }
        if let Some(rise) = reset.period_cap {
            change = change.min(rise);
        }
        let mut rate = add(state.rate, change)?;
        if let Some(floor) = reset.life_floor {
            rate = rate.max(floor);
        }
        if let Some(cap) = reset.life_cap {
            rate = rate.min(cap);
        }
        state.rate = rate;
        Ok(Decimal::ZERO)
    }

    /// SC: the multiples become the index over its value at the deal.
    fn scale(&self, state: &mut State, planned: &Planned) -> Result<Decimal, ActusError> {
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

    /// PRD and TD: R · (price + accrued interest), the sum as the standard writes it. Accrued
    /// interest has the sign of the role already, so that a borrower's price is less its interest.
    fn trade(&self, state: &State, price: Decimal) -> Result<Decimal, ActusError> {
        Ok(mul(self.terms.role, add(price, state.accrued_interest)?)?)
    }

    /// What is paid, in the currency it is settled in.
    fn settled(&self, paid: Decimal, planned: &Planned) -> Result<Decimal, ActusError> {
        match self.terms.settlement_currency {
            Some(settlement) if !paid.is_zero() => {
                let pair = format!("{}/{settlement}", self.terms.currency);
                Ok(mul(paid, self.observed.value_at(&pair, planned.slot.shown)?)?)
            }
            _ => Ok(paid),
        }
    }
}

/// Which redemptions are still to come.
#[derive(Clone, Copy)]
enum Due {
    /// Today's too: principal has only just been paid out.
    FromToday,
    /// Those after today, whose own are made before anything is fixed.
    AfterToday,
}

/// IP: interest owed is paid, scaled.
fn pay_interest(state: &mut State) -> Result<Decimal, ActusError> {
    let accrued = std::mem::take(&mut state.accrued_interest);
    let claimed = std::mem::take(&mut state.claimed_interest);
    Ok(mul(state.interest_scaling, add(accrued, claimed)?)?)
}

/// XD with notice: from the call to its settlement nothing accrues any more, and what has is a
/// claim of its own, as published call money shows.
fn claim(state: &mut State) {
    state.claimed_interest = std::mem::take(&mut state.accrued_interest);
    state.interest_base = Decimal::ZERO;
}

/// Nothing is owed any more.
fn end(state: &mut State) {
    state.notional = Decimal::ZERO;
    state.interest_base = Decimal::ZERO;
    state.accrued_interest = Decimal::ZERO;
    state.accrued_fees = Decimal::ZERO;
}
