//! Everything that will happen to a contract, in order: one function for each group of terms.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::contract::ContractType;
use super::error::{ActusError, Problem};
use super::event::EventType;
use super::maturity::derived_maturity;
use super::observed::Observed;
use super::schedule::Slot;
use super::terms::{InterestBase, Recurring, Terms};
use super::time::ContractTime;
use crate::domain::calendar::add_days;

/// What is done at an event, with what the terms fix for it beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The principal is paid out.
    Exchange,
    /// The call is made.
    Call {
        /// Whether notice has to be given, so that it is settled only later.
        settled_later: bool,
    },
    /// The fee is paid.
    Fee,
    /// Principal is redeemed: this amount, or the payment the state holds.
    Redeem(Option<Decimal>),
    /// Principal is drawn.
    Draw(Decimal),
    /// A penalty is paid.
    Penalise(Decimal),
    /// Principal is prepaid.
    Prepay(Decimal),
    /// Interest is paid.
    PayInterest,
    /// Interest becomes principal.
    Capitalise,
    /// The rate becomes this one.
    FixRate(Decimal),
    /// The rate becomes the index times the multiplier plus this spread.
    ResetRate(Decimal),
    /// The annuity is computed anew.
    FixPayment,
    /// The contract is bought at this price.
    Purchase(Decimal),
    /// The contract is sold at this price.
    Terminate(Decimal),
    /// The multiples of payments follow the index.
    Scale,
    /// The amount interest accrues on becomes the principal.
    FixBase,
    /// What is left is paid at maturity.
    Mature,
    /// What is left is paid after the call.
    Settle,
    /// The state is shown.
    Monitor,
}

impl Action {
    /// The type of event it makes.
    pub const fn event_type(self) -> EventType {
        match self {
            Self::Exchange => EventType::Ied,
            Self::Call { .. } => EventType::Xd,
            Self::Fee => EventType::Fp,
            Self::Redeem(_) => EventType::Pr,
            Self::Draw(_) => EventType::Pi,
            Self::Penalise(_) => EventType::Py,
            Self::Prepay(_) => EventType::Pp,
            Self::PayInterest => EventType::Ip,
            Self::Capitalise => EventType::Ipci,
            Self::FixRate(_) => EventType::Rrf,
            Self::ResetRate(_) => EventType::Rr,
            Self::FixPayment => EventType::Prf,
            Self::Purchase(_) => EventType::Prd,
            Self::Terminate(_) => EventType::Td,
            Self::Scale => EventType::Sc,
            Self::FixBase => EventType::Ipcb,
            Self::Mature => EventType::Md,
            Self::Settle => EventType::Std,
            Self::Monitor => EventType::Ad,
        }
    }
}

/// An event to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// When.
    pub slot: Slot,
    /// What is done.
    pub action: Action,
}

impl Planned {
    /// Time first, then the day to which interest runs, then the sequence of event types.
    fn order(&self) -> (ContractTime, NaiveDate, EventType) {
        (self.slot.shown, self.slot.calculated, self.action.event_type())
    }
}

/// How a contract ends.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// It matures.
    Maturity(Slot),
    /// It was called, and is settled after the notice.
    Call { called: ContractTime, settled: Slot },
    /// Nobody has called it yet.
    Open,
}

/// Everything that will happen to a contract, from the status date to its end.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The events, in order.
    pub events: Vec<Planned>,
    /// How many of the first events only shape the state: they are before the purchase.
    pub unseen: usize,
    /// The last day to which interest was settled before the status date.
    pub interest_settled: Option<NaiveDate>,
    /// The last day to which fees were.
    pub fees_settled: Option<NaiveDate>,
    /// The days of redemptions, the last of which redeems all.
    pub redemption_days: Vec<NaiveDate>,
    /// The day of maturity, which some day counts know.
    pub maturity_day: Option<NaiveDate>,
}

impl Plan {
    /// Plans a contract; a call money that nobody has called is planned to the last time asked
    /// for.
    ///
    /// # Errors
    /// [`ActusError`] if the contract does not end or has too many events.
    pub fn new(
        terms: &Terms,
        observed: &Observed,
        to: Option<NaiveDate>,
    ) -> Result<Self, ActusError> {
        let ending = ending(terms, observed)?;
        let planner = Planner { terms, observed, end: schedule_end(terms, ending, to)?, ending };
        let (principal, redemption_days) = planner.principal()?;
        let mut events = principal;
        events.extend(planner.interest()?);
        events.extend(planner.resets()?);
        events.extend(planner.interest_base()?);
        events.extend(planner.scaling()?);
        events.extend(planner.fees()?);
        events.extend(planner.trades()?);
        events.extend(planner.unscheduled()?);
        events.sort_by_key(Planned::order);
        // A reset the day before the first payment fixes it already.
        events.dedup_by(|next, one| next == one && one.action == Action::FixPayment);
        Ok(planner.lifetime(events, redemption_days))
    }

    /// Leaves out what shows after a day. The settlement of a call made by then stays: the call
    /// settles it, whatever the day it is paid.
    pub fn cut(&mut self, to: NaiveDate) {
        let called = self.events.iter().any(|planned| {
            matches!(planned.action, Action::Call { .. }) && planned.slot.shown.date() <= to
        });
        let settles = |planned: &Planned| {
            self.events
                .last()
                .is_some_and(|last| last.action == Action::Settle && last.slot == planned.slot)
        };
        let kept = self
            .events
            .iter()
            .filter(|planned| planned.slot.shown.date() <= to || (called && settles(planned)))
            .copied()
            .collect();
        self.events = kept;
    }
}

fn ending(terms: &Terms, observed: &Observed) -> Result<Ending, ActusError> {
    if let Some(named) = terms.maturity.or(terms.redemption.amortisation_end) {
        return Ok(Ending::Maturity(terms.dates.named(named)?));
    }
    match (terms.contract_type, observed.call, terms.notice) {
        (ContractType::Clm, Some(called), Some(notice)) => {
            let settled = called.on(notice.after(called.date(), 1)?);
            Ok(Ending::Call { called, settled: terms.dates.cyclic(settled)? })
        }
        (ContractType::Clm, ..) => Ok(Ending::Open),
        // A date that follows from a cycle moves off days without business as the cycle does.
        _ => Ok(Ending::Maturity(terms.dates.cyclic(derived_maturity(terms)?)?)),
    }
}

/// The time before which schedules end.
fn schedule_end(
    terms: &Terms,
    ending: Ending,
    to: Option<NaiveDate>,
) -> Result<ContractTime, ActusError> {
    match (ending, to) {
        (Ending::Maturity(slot), _) => Ok(slot.scheduled),
        (Ending::Call { called, .. }, _) => Ok(called),
        // Nothing is known to be the last period, so each schedule runs on for more than one cycle
        // and its stub falls behind what is asked for.
        (Ending::Open, Some(to)) => {
            let cycles = [terms.interest.dates, terms.reset.dates, terms.fee_dates()];
            let mut end = add_days(to, 1)?;
            for cycle in cycles.iter().filter_map(|dates| dates.cycle) {
                end = end.max(add_days(cycle.period.after(to, 1)?, 1)?);
            }
            Ok(ContractTime::end_of(end))
        }
        (Ending::Open, None) => Err(ActusError::Invalid {
            problems: vec![Problem {
                path: "maturityDate".into(),
                reason: "is missing, no call (XD) was observed, and no last date is asked for"
                    .into(),
            }],
        }),
    }
}

struct Planner<'a> {
    terms: &'a Terms,
    observed: &'a Observed,
    ending: Ending,
    end: ContractTime,
}

impl Planner<'_> {
    fn cyclic(&self, time: ContractTime, action: Action) -> Result<Planned, ActusError> {
        Ok(Planned { slot: self.terms.dates.cyclic(time)?, action })
    }

    fn named(&self, time: ContractTime, action: Action) -> Result<Planned, ActusError> {
        Ok(Planned { slot: self.terms.dates.named(time)?, action })
    }

    fn recurring(&self, dates: Recurring, action: Action) -> Result<Vec<Planned>, ActusError> {
        let terms = self.terms;
        terms
            .dates
            .recurring(dates, terms.initial_exchange, self.end)?
            .into_iter()
            .map(|time| self.cyclic(time, action))
            .collect()
    }

    /// What is paid when the contract ends.
    fn at_the_end(&self, action: Action) -> Option<Planned> {
        match self.ending {
            Ending::Maturity(slot) | Ending::Call { settled: slot, .. } => {
                Some(Planned { slot, action })
            }
            Ending::Open => None,
        }
    }

    /// Exchange, redemptions, drawings and the end; and the days of redemptions by cycle.
    fn principal(&self) -> Result<(Vec<Planned>, Vec<NaiveDate>), ActusError> {
        let terms = self.terms;
        let mut events = vec![self.named(terms.initial_exchange, Action::Exchange)?];
        let mut redemption_days = Vec::new();
        if terms.contract_type.redeems_by_cycle() {
            let redemptions = self.recurring(terms.redemption.dates, Action::Redeem(None))?;
            redemption_days = self.redemption_days(&redemptions)?;
            if terms.contract_type == ContractType::Ann {
                events.extend(self.first_fixing(&redemptions)?);
            }
            events.extend(redemptions);
        }
        let arrays = &terms.arrays.redemptions;
        let segments: Vec<_> = arrays.iter().map(|segment| segment.dates).collect();
        for (index, time) in terms.dates.segments(&segments, self.end)? {
            if let Some(segment) = arrays.get(index) {
                let action = match segment.draws {
                    true => Action::Draw(segment.amount),
                    false => Action::Redeem(Some(segment.amount)),
                };
                events.push(self.cyclic(time, action)?);
            }
        }
        match self.ending {
            Ending::Maturity(_) => events.extend(self.at_the_end(Action::Mature)),
            Ending::Call { called, settled } => {
                events.push(
                    self.named(called, Action::Call { settled_later: settled.shown > called })?,
                );
                events.extend(self.at_the_end(Action::Settle));
            }
            Ending::Open => {}
        }
        Ok((events, redemption_days))
    }

    /// The days on which principal comes back, to the maturity or the end of the amortisation.
    fn redemption_days(&self, redemptions: &[Planned]) -> Result<Vec<NaiveDate>, ActusError> {
        let terms = self.terms;
        match terms.redemption.amortisation_end {
            Some(end) if end != self.end => {
                let dates = terms.redemption.dates;
                let mut days = Vec::new();
                for time in terms.dates.recurring(dates, terms.initial_exchange, end)? {
                    days.push(terms.dates.cyclic(time)?.calculated);
                }
                days.push(terms.dates.accrual_day(end)?);
                Ok(days)
            }
            _ => Ok(redemptions
                .iter()
                .chain(self.at_the_end(Action::Mature).iter())
                .map(|planned| planned.slot.calculated)
                .collect()),
        }
    }

    /// The payment of an annuity that names none is fixed the day before the first.
    fn first_fixing(&self, redemptions: &[Planned]) -> Result<Option<Planned>, ActusError> {
        let (None, Some(first)) = (self.terms.redemption.payment, redemptions.first()) else {
            return Ok(None);
        };
        let slot = self.terms.dates.day_before(first.slot)?;
        Ok(Some(Planned { slot, action: Action::FixPayment }))
    }

    /// Interest, paid or capitalised.
    fn interest(&self) -> Result<Vec<Planned>, ActusError> {
        let terms = self.terms;
        let capitalisation_end = terms.interest.capitalisation_end.filter(|end| *end < self.end);
        let mut events = Vec::new();
        for time in self.interest_times()? {
            let capitalised = terms.contract_type == ContractType::Clm
                || terms.interest.capitalisation_end.is_some_and(|end| time <= end);
            if Some(time) != capitalisation_end {
                let action = if capitalised { Action::Capitalise } else { Action::PayInterest };
                events.push(self.cyclic(time, action)?);
            }
        }
        if let Some(end) = capitalisation_end {
            events.push(self.named(end, Action::Capitalise)?);
        }
        events.extend(self.at_the_end(Action::PayInterest));
        Ok(events)
    }

    /// The times of interest before the end.
    fn interest_times(&self) -> Result<Vec<ContractTime>, ActusError> {
        let terms = self.terms;
        let (rules, exchange) = (&terms.dates, terms.initial_exchange);
        let dates = terms.interest.dates;
        match terms.contract_type {
            ContractType::Pam | ContractType::Lam => rules.recurring(dates, exchange, self.end),
            ContractType::Lax => {
                let times = rules.segments(&terms.arrays.interest, self.end)?;
                Ok(times.into_iter().map(|(_, time)| time).collect())
            }
            // Published call money capitalises for the first time at the exchange itself.
            ContractType::Clm if dates.cycle.is_some() => {
                rules.times(dates.anchor.unwrap_or(exchange), dates.cycle, self.end)
            }
            ContractType::Clm => rules.recurring(dates, exchange, self.end),
            ContractType::Nam | ContractType::Ann => self.interest_times_of_payments(),
        }
    }

    /// Interest of a NAM or ANN: on dates of its own until one cycle before the first redemption,
    /// then with each redemption, whose payment it is part of.
    fn interest_times_of_payments(&self) -> Result<Vec<ContractTime>, ActusError> {
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
        let mut times = rules.recurring(terms.interest.dates, exchange, last_own)?;
        let anchor = rules.anchor(terms.interest.dates, exchange)?;
        if last_own < first && last_own > exchange && anchor.is_some_and(|a| a <= last_own) {
            times.push(last_own);
        }
        times.extend(with_redemptions);
        Ok(times)
    }

    /// Rate resets; an annuity's payment is refixed with each.
    fn resets(&self) -> Result<Vec<Planned>, ActusError> {
        let terms = self.terms;
        let reset = &terms.reset;
        let mut events = self.recurring(reset.dates, Action::ResetRate(reset.spread))?;
        let arrays = &terms.arrays.resets;
        let segments: Vec<_> = arrays.iter().map(|segment| segment.dates).collect();
        for (index, time) in terms.dates.segments(&segments, self.end)? {
            if let Some(segment) = arrays.get(index) {
                let action = match segment.fixed {
                    true => Action::FixRate(segment.rate),
                    false => Action::ResetRate(segment.rate),
                };
                events.push(self.cyclic(time, action)?);
            }
        }
        if let Some(rate) = reset.next {
            let first = events.iter_mut().find(|planned| {
                planned.slot.shown > terms.status && matches!(planned.action, Action::ResetRate(_))
            });
            if let Some(first) = first {
                first.action = Action::FixRate(rate);
            }
        }
        if terms.contract_type == ContractType::Ann {
            let fixings: Vec<Planned> = events
                .iter()
                .map(|planned| Planned { action: Action::FixPayment, ..*planned })
                .collect();
            events.extend(fixings);
        }
        Ok(events)
    }

    fn interest_base(&self) -> Result<Vec<Planned>, ActusError> {
        match self.terms.interest.base {
            InterestBase::Lagged { dates, .. } => self.recurring(dates, Action::FixBase),
            _ => Ok(Vec::new()),
        }
    }

    fn scaling(&self) -> Result<Vec<Planned>, ActusError> {
        match &self.terms.scaling {
            Some(scaling) => self.recurring(scaling.dates, Action::Scale),
            None => Ok(Vec::new()),
        }
    }

    fn fees(&self) -> Result<Vec<Planned>, ActusError> {
        let Some(fee) = &self.terms.fee else {
            return Ok(Vec::new());
        };
        let mut events = self.recurring(fee.dates, Action::Fee)?;
        events.extend(self.at_the_end(Action::Fee));
        Ok(events)
    }

    fn trades(&self) -> Result<Vec<Planned>, ActusError> {
        let bought = self.terms.purchase.map(|trade| (trade.time, Action::Purchase(trade.price)));
        let sold = self.terms.termination.map(|trade| (trade.time, Action::Terminate(trade.price)));
        bought.into_iter().chain(sold).map(|(time, action)| self.named(time, action)).collect()
    }

    /// Prepayments with their penalties, and the times at which the state is to be shown.
    fn unscheduled(&self) -> Result<Vec<Planned>, ActusError> {
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

    /// What falls into the contract's life: after the status date, not before the exchange, and
    /// up to its end or its sale.
    fn lifetime(&self, mut events: Vec<Planned>, redemption_days: Vec<NaiveDate>) -> Plan {
        let terms = self.terms;
        let ends = |planned: &Planned| {
            matches!(planned.action, Action::Terminate(_) | Action::Mature | Action::Settle)
        };
        if let Some(last) = events.iter().position(ends) {
            events.truncate(last + 1);
        }
        let past = |planned: &&Planned| planned.slot.shown <= terms.status;
        let settled = |wanted: fn(Action) -> bool| {
            events
                .iter()
                .take_while(past)
                .filter(|planned| wanted(planned.action))
                .map(|planned| planned.slot.calculated)
                .last()
        };
        let interest_settled = match terms.contract_type {
            // A call money pays interest at its end only, and published cases count from the
            // status date what accrues until the first capitalisation after it.
            ContractType::Clm => None,
            _ => settled(|action| matches!(action, Action::PayInterest | Action::Capitalise)),
        };
        let fees_settled = settled(|action| action == Action::Fee);
        let starts = |planned: &Planned| {
            planned.slot.shown > terms.status
                && (planned.slot.shown >= terms.initial_exchange
                    || terms.initial_exchange <= terms.status)
        };
        events.retain(starts);
        let bought = |planned: &Planned| matches!(planned.action, Action::Purchase(_));
        let unseen = events.iter().position(bought).unwrap_or(0);
        let maturity_day = match self.ending {
            Ending::Maturity(slot) => Some(slot.calculated),
            _ => None,
        };
        Plan { events, unseen, interest_settled, fees_settled, redemption_days, maturity_day }
    }
}
