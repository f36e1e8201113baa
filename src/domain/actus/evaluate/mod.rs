//! The fold of a contract's events over its state.

mod effects;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::error::ActusError;
use super::event::ContractEvent;
use super::observed::Observed;
use super::plan::{Action, Plan, Planned};
use super::state::State;
use super::terms::{FeeBasis, Terms};
use crate::domain::calendar::{DayCountContext, year_fraction};
use crate::domain::decimal::{add, mul};

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

    /// The events with what is paid at each and the state after it.
    ///
    /// # Errors
    /// [`ActusError`] if an observation is missing or a number does not fit.
    pub fn run(&self) -> Result<Vec<ContractEvent>, ActusError> {
        let mut state = self.initial_state()?;
        let mut events = Vec::with_capacity(self.plan.events.len());
        for (index, planned) in self.plan.events.iter().enumerate() {
            let paid = self.apply(planned, &mut state)?;
            if index >= self.plan.unseen {
                events.push(self.shown(planned, paid, &state)?);
            }
        }
        Ok(events)
    }

    /// The state as of the status date: as the terms give it where principal was paid out by then.
    fn initial_state(&self) -> Result<State, ActusError> {
        let terms = self.terms;
        let mut state = State::before_exchange(terms.dates.accrual_day(terms.status)?);
        state.redemptions = self.plan.redemptions_past;
        if let Some(scaling) = &terms.scaling {
            if scaling.interest {
                state.interest_scaling = scaling.interest_multiplier;
            }
            if scaling.notional {
                state.notional_scaling = scaling.notional_multiplier;
            }
        }
        if terms.initial_exchange <= terms.status {
            self.lend(&mut state)?;
            let today = state.accrued_to;
            state.accrued_interest = match (terms.interest.accrued, self.plan.interest_settled) {
                (Some(accrued), _) => mul(terms.role, accrued)?,
                (None, Some(settled)) => self.interest(&state, settled, today)?,
                (None, None) => Decimal::ZERO,
            };
            let fees = terms.fee.and_then(|fee| fee.accrued);
            state.accrued_fees = match (fees, self.plan.fees_settled) {
                (Some(accrued), _) => mul(terms.role, accrued)?,
                (None, Some(settled)) => self.fees(&state, settled, today)?,
                (None, None) => Decimal::ZERO,
            };
            state.next_payment = self.payment(&state)?;
        }
        Ok(state)
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

    /// Fees that accrue as interest does; those that are amounts do not.
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

    /// What is owed on a later day if nothing happens but interest: what is paid on the way is
    /// owed no more, and what is capitalised bears interest.
    fn owed_on(&self, state: &State, day: NaiveDate) -> Result<Decimal, ActusError> {
        let mut ahead = *state;
        let interest = &self.plan.interest;
        let past = interest.partition_point(|due| due.slot.calculated <= state.accrued_to);
        let to_come = interest.iter().skip(past).take_while(|due| due.slot.calculated < day);
        for due in to_come {
            self.accrue(&mut ahead, due.slot.calculated)?;
            if due.action == Action::Capitalise {
                self.capitalise(&mut ahead)?;
            } else {
                ahead.accrued_interest = Decimal::ZERO;
            }
        }
        self.accrue(&mut ahead, day)?;
        Ok(add(ahead.notional, ahead.accrued_interest)?)
    }

    /// An event as it is shown, paid in the currency it is settled in.
    fn shown(
        &self,
        planned: &Planned,
        paid: Decimal,
        state: &State,
    ) -> Result<ContractEvent, ActusError> {
        let terms = self.terms;
        let time = planned.slot.shown;
        let payoff = match terms.settlement_currency {
            Some(settlement) if !paid.is_zero() => {
                let pair = format!("{}/{settlement}", terms.currency);
                mul(paid, self.observed.value_at(&pair, time)?)?
            }
            _ => paid,
        };
        Ok(ContractEvent {
            time,
            event_type: planned.action.event_type(),
            payoff: payoff.normalize(),
            currency: terms.settlement_currency.unwrap_or(terms.currency),
            notional_principal: state.notional.normalize(),
            nominal_interest_rate: state.rate.normalize(),
            accrued_interest: state.accrued_interest.normalize(),
        })
    }
}
