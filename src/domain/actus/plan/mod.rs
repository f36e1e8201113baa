//! Everything that will happen to a contract, in order.

mod ending;
mod groups;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::contract::ContractType;
use super::error::ActusError;
use super::event::EventType;
use super::observed::Observed;
use super::schedule::Slot;
use super::terms::Terms;
use super::time::ContractTime;
use ending::Ending;
use groups::Groups;

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

    /// Whether nothing happens to this side any more afterwards.
    const fn is_last(self) -> bool {
        matches!(self, Self::Terminate(_) | Self::Mature | Self::Settle)
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

/// Everything that will happen to a contract after its status date.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The events, in order.
    pub events: Vec<Planned>,
    /// How many of the first events only shape the state: they are before the purchase.
    pub unseen: usize,
    /// All dates of interest to come in the order of their days, whatever is asked for.
    pub interest: Vec<Planned>,
    /// The day to which interest was settled by the status date, if ever.
    pub interest_settled: Option<NaiveDate>,
    /// The day to which fees were, if ever.
    pub fees_settled: Option<NaiveDate>,
    /// The days of redemptions by cycle, the last of which redeems all.
    pub redemption_days: Vec<NaiveDate>,
    /// How many of them were past when the contract began or, later, as of the status date.
    pub redemptions_past: usize,
    /// The day of maturity, which some day counts know.
    pub maturity_day: Option<NaiveDate>,
}

impl Plan {
    /// Plans a contract, up to the last day asked for.
    ///
    /// # Errors
    /// [`ActusError`] if the contract does not end, or has too many events.
    pub fn new(
        terms: &Terms,
        observed: &Observed,
        to: Option<NaiveDate>,
    ) -> Result<Self, ActusError> {
        let ending = Ending::of(terms, observed)?;
        let end = ending.schedules_end(terms, to)?;
        let mut events = Groups { terms, observed, ending, end }.all()?;
        events.sort_by_key(Planned::order);
        // A reset on the day before the first payment fixes that payment already.
        events.dedup_by(|next, one| next == one && one.action == Action::FixPayment);

        let redemption_days = redemption_days(terms, ending, &events)?;
        let redemptions_past = events
            .iter()
            .take_while(|planned| !falls_into_life(terms, planned.slot.shown))
            .filter(|planned| matches!(planned.action, Action::Redeem(_)))
            .count();
        if let Some(last) = events.iter().position(|planned| planned.action.is_last()) {
            events.truncate(last + 1);
        }
        let mut interest =
            chosen(&events, |action| matches!(action, Action::PayInterest | Action::Capitalise));
        // A call money pays interest at its end only, and in published cases what it capitalises
        // first has accrued since the status date.
        let interest_settled = match terms.contract_type {
            ContractType::Clm => None,
            _ => settled_by(terms.status, &interest),
        };
        interest.retain(|planned| falls_into_life(terms, planned.slot.shown));
        interest.sort_by_key(|planned| planned.slot.calculated);
        let fees = chosen(&events, |action| action == Action::Fee);
        let fees_settled = settled_by(terms.status, &fees);

        events.retain(|planned| falls_into_life(terms, planned.slot.shown));
        let bought = |planned: &Planned| matches!(planned.action, Action::Purchase(_));
        let unseen = events.iter().position(bought).unwrap_or(0);
        if let Some(to) = to {
            cut(&mut events, to);
        }
        Ok(Self {
            events,
            unseen,
            interest,
            interest_settled,
            fees_settled,
            redemption_days,
            redemptions_past,
            maturity_day: ending.maturity_day(),
        })
    }
}

fn chosen(events: &[Planned], wanted: fn(Action) -> bool) -> Vec<Planned> {
    events.iter().filter(|planned| wanted(planned.action)).copied().collect()
}

/// The day of the last of some events that was not after the status date.
fn settled_by(status: ContractTime, events: &[Planned]) -> Option<NaiveDate> {
    let past = events.iter().take_while(|planned| planned.slot.shown <= status);
    past.last().map(|planned| planned.slot.calculated)
}

/// Whether a time is after the status date and not before the initial exchange, unless that is
/// past.
fn falls_into_life(terms: &Terms, shown: ContractTime) -> bool {
    let exchange = terms.initial_exchange;
    shown > terms.status && (shown >= exchange || exchange <= terms.status)
}

/// The days on which principal comes back by cycle, to the end of an annuity's amortisation or to
/// the maturity.
fn redemption_days(
    terms: &Terms,
    ending: Ending,
    events: &[Planned],
) -> Result<Vec<NaiveDate>, ActusError> {
    let (redemption, rules) = (&terms.redemption, &terms.dates);
    if !terms.contract_type.redeems_by_cycle() {
        return Ok(Vec::new());
    }
    if let Some(end) = redemption.amortisation_end
        && terms.maturity.is_some_and(|maturity| maturity != end)
    {
        let mut days = Vec::new();
        for time in rules.recurring(redemption.dates, terms.initial_exchange, end)? {
            days.push(rules.cyclic(time)?.calculated);
        }
        let last = rules.accrual_day(end)?;
        days.retain(|day| *day <= last);
        days.push(last);
        return Ok(days);
    }
    let mut days = Vec::new();
    for planned in events {
        match planned.action {
            Action::Redeem(_) => days.push(planned.slot.calculated),
            Action::Mature => break,
            _ => {}
        }
    }
    days.extend(ending.maturity_day());
    Ok(days)
}

/// Leaves out what shows after a day. The settlement of a call made by then stays: the call brings
/// it, whenever it is paid.
fn cut(events: &mut Vec<Planned>, to: NaiveDate) {
    let by_then = |planned: &Planned| planned.slot.shown.date() <= to;
    let called = events
        .iter()
        .any(|planned| matches!(planned.action, Action::Call { .. }) && by_then(planned));
    let settlement =
        events.last().filter(|last| called && last.action == Action::Settle).map(|last| last.slot);
    events.retain(|planned| by_then(planned) || Some(planned.slot) == settlement);
}
