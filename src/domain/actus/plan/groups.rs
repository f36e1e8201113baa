//! The events each group of terms foresees.

use super::ending::Ending;
use super::{Action, Planned};
use crate::domain::actus::contract::ContractType;
use crate::domain::actus::error::ActusError;
use crate::domain::actus::observed::Observed;
use crate::domain::actus::terms::{InterestBase, Recurring, Terms};
use crate::domain::actus::time::ContractTime;

type Events = Result<Vec<Planned>, ActusError>;

/// A contract whose events are to be listed.
pub struct Groups<'a> {
    pub terms: &'a Terms,
    pub observed: &'a Observed,
    pub ending: Ending,
    /// The time before which schedules end.
    pub end: ContractTime,
}

impl Groups<'_> {
    /// The events of all groups, in no order.
    ///
    /// # Errors
    /// [`ActusError::TooManyEvents`], and dates that are out of range.
    pub fn all(&self) -> Events {
        let groups = [
            Self::principal,
            Self::redemptions,
            Self::arrays,
            Self::interest,
            Self::resets,
            Self::interest_base,
            Self::scaling,
            Self::fees,
            Self::trades,
            Self::unscheduled,
        ];
        let mut events = Vec::new();
        for group in groups {
            events.extend(group(self)?);
        }
        Ok(events)
    }

    /// The exchange, a call, and the end.
    fn principal(&self) -> Events {
        let mut events = vec![self.named(self.terms.initial_exchange, Action::Exchange)?];
        match self.ending {
            Ending::Maturity(_) => events.extend(self.at_the_end(Action::Mature)),
            Ending::Call { called, settled } => {
                let call = Action::Call { settled_later: settled.shown > called };
                events.push(self.named(called, call)?);
                events.extend(self.at_the_end(Action::Settle));
            }
            Ending::Open => {}
        }
        Ok(events)
    }

    /// Redemptions by cycle. The payment of an annuity that names none is fixed on the day before
    /// the first.
    fn redemptions(&self) -> Events {
        let terms = self.terms;
        let mut events = self.recurring(terms.redemption.dates, Action::Redeem(None))?;
        if terms.contract_type == ContractType::Ann
            && terms.redemption.payment.is_none()
            && let Some(first) = events.first()
        {
            let slot = terms.dates.day_before(first.slot)?;
            events.push(Planned { slot, action: Action::FixPayment });
        }
        Ok(events)
    }

    /// Redemptions and drawings by arrays.
    fn arrays(&self) -> Events {
        let arrays = &self.terms.arrays.redemptions;
        let segments: Vec<_> = arrays.iter().map(|segment| segment.dates).collect();
        let mut events = Vec::new();
        for (index, time) in self.terms.dates.segments(&segments, self.end)? {
            if let Some(segment) = arrays.get(index) {
                let action = if segment.draws {
                    Action::Draw(segment.amount)
                } else {
                    Action::Redeem(Some(segment.amount))
                };
                events.push(self.cyclic(time, action)?);
            }
        }
        Ok(events)
    }

    /// Interest, capitalised up to and at the end of capitalisation, else paid.
    fn interest(&self) -> Events {
        let terms = self.terms;
        let capitalised_to = terms.interest.capitalisation_end;
        let extra = capitalised_to.filter(|end| *end < self.end);
        let mut events = Vec::new();
        for time in self.interest_times()?.into_iter().filter(|time| Some(*time) != extra) {
            let capitalised = terms.contract_type == ContractType::Clm
                || capitalised_to.is_some_and(|end| time <= end);
            let action = if capitalised { Action::Capitalise } else { Action::PayInterest };
            events.push(self.cyclic(time, action)?);
        }
        if let Some(end) = extra {
            events.push(self.named(end, Action::Capitalise)?);
        }
        events.extend(self.at_the_end(Action::PayInterest));
        Ok(events)
    }

    /// The times of interest before the end.
    fn interest_times(&self) -> Result<Vec<ContractTime>, ActusError> {
        let terms = self.terms;
        let (rules, exchange, dates) = (&terms.dates, terms.initial_exchange, terms.interest.dates);
        match terms.contract_type {
            ContractType::Pam | ContractType::Lam => rules.recurring(dates, exchange, self.end),
            ContractType::Nam | ContractType::Ann => self.interest_times_with_redemptions(),
            ContractType::Lax => {
                let times = rules.segments(&terms.arrays.interest, self.end)?;
                Ok(times.into_iter().map(|(_, time)| time).collect())
            }
            // Without an anchor, published call money capitalises at the exchange already.
            ContractType::Clm if dates.cycle.is_some() => {
                rules.times(dates.anchor.unwrap_or(exchange), dates.cycle, self.end)
            }
            ContractType::Clm => rules.recurring(dates, exchange, self.end),
        }
    }

    /// Interest of a NAM or ANN: on dates of its own up to one cycle before the first redemption,
    /// then with each redemption, of whose payment it is part.
    fn interest_times_with_redemptions(&self) -> Result<Vec<ContractTime>, ActusError> {
        let terms = self.terms;
        let (rules, exchange) = (&terms.dates, terms.initial_exchange);
        let redemption = terms.redemption.dates;
        let with_redemptions = rules.recurring(redemption, exchange, self.end)?;
        let Some(first) = rules.anchor(redemption, exchange)? else {
            return Ok(with_redemptions);
        };
        let last_own = match redemption.cycle {
            Some(cycle) => rules.step(first, cycle.period, -1)?,
            None => first,
        };
        let own = terms.interest.dates;
        let mut times = rules.recurring(own, exchange, last_own)?;
        let has_begun = rules.anchor(own, exchange)?.is_some_and(|anchor| anchor <= last_own);
        if has_begun && exchange < last_own && last_own < first {
            times.push(last_own);
        }
        times.extend(with_redemptions);
        Ok(times)
    }

    /// Rate resets, the first to come at a rate known beforehand where the terms have one. An
    /// annuity's payment is fixed anew with each.
    fn resets(&self) -> Events {
        let terms = self.terms;
        let reset = &terms.reset;
        let mut events = self.recurring(reset.dates, Action::ResetRate(reset.spread))?;
        let arrays = &terms.arrays.resets;
        let segments: Vec<_> = arrays.iter().map(|segment| segment.dates).collect();
        for (index, time) in terms.dates.segments(&segments, self.end)? {
            if let Some(segment) = arrays.get(index) {
                let action = if segment.fixed {
                    Action::FixRate(segment.rate)
                } else {
                    Action::ResetRate(segment.rate)
                };
                events.push(self.cyclic(time, action)?);
            }
        }
        let to_come = |planned: &&mut Planned| {
            planned.slot.shown > terms.status && matches!(planned.action, Action::ResetRate(_))
        };
        if let (Some(rate), Some(first)) = (reset.next, events.iter_mut().find(to_come)) {
            first.action = Action::FixRate(rate);
        }
        if terms.contract_type == ContractType::Ann {
            let fixings: Vec<_> = events
                .iter()
                .map(|planned| Planned { action: Action::FixPayment, ..*planned })
                .collect();
            events.extend(fixings);
        }
        Ok(events)
    }

    fn interest_base(&self) -> Events {
        match self.terms.interest.base {
            InterestBase::Lagged { dates, .. } => self.recurring(dates, Action::FixBase),
            InterestBase::Notional | InterestBase::Fixed(_) => Ok(Vec::new()),
        }
    }

    fn scaling(&self) -> Events {
        match &self.terms.scaling {
            Some(scaling) => self.recurring(scaling.dates, Action::Scale),
            None => Ok(Vec::new()),
        }
    }

    fn fees(&self) -> Events {
        let Some(fee) = &self.terms.fee else {
            return Ok(Vec::new());
        };
        let mut events = self.recurring(fee.dates, Action::Fee)?;
        events.extend(self.at_the_end(Action::Fee));
        Ok(events)
    }

    fn trades(&self) -> Events {
        let bought = self.terms.purchase.map(|trade| (trade.time, Action::Purchase(trade.price)));
        let sold = self.terms.termination.map(|trade| (trade.time, Action::Terminate(trade.price)));
        bought.into_iter().chain(sold).map(|(time, action)| self.named(time, action)).collect()
    }

    /// Prepayments with their penalties, and the times at which the state is to be shown.
    fn unscheduled(&self) -> Events {
        let mut events = Vec::new();
        for &(time, amount) in &self.observed.prepayments {
            if let Some(penalty) = self.terms.prepayment.penalty {
                events.push(self.named(time, Action::Penalise(penalty))?);
            }
            events.push(self.named(time, Action::Prepay(amount))?);
        }
        for &time in &self.observed.monitored {
            events.push(self.named(time, Action::Monitor)?);
        }
        Ok(events)
    }

    /// An event of a cycle.
    fn cyclic(&self, time: ContractTime, action: Action) -> Result<Planned, ActusError> {
        Ok(Planned { slot: self.terms.dates.cyclic(time)?, action })
    }

    /// An event at a time that is named.
    fn named(&self, time: ContractTime, action: Action) -> Result<Planned, ActusError> {
        Ok(Planned { slot: self.terms.dates.named(time)?, action })
    }

    /// The events of a cycle before the end.
    fn recurring(&self, dates: Recurring, action: Action) -> Events {
        let times = self.terms.dates.recurring(dates, self.terms.initial_exchange, self.end)?;
        times.into_iter().map(|time| self.cyclic(time, action)).collect()
    }

    /// An event with the last payment.
    fn at_the_end(&self, action: Action) -> Option<Planned> {
        self.ending.payment().map(|slot| Planned { slot, action })
    }
}
