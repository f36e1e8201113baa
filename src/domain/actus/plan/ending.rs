//! How a contract ends, and with it its schedules.

use chrono::NaiveDate;

use crate::domain::actus::contract::ContractType;
use crate::domain::actus::error::{ActusError, Problem};
use crate::domain::actus::maturity::derived_maturity;
use crate::domain::actus::observed::Observed;
use crate::domain::actus::schedule::Slot;
use crate::domain::actus::terms::Terms;
use crate::domain::actus::time::ContractTime;
use crate::domain::calendar::add_days;

/// How a contract ends.
#[derive(Clone, Copy, Debug)]
pub enum Ending {
    /// It matures.
    Maturity(Slot),
    /// It was called, and is settled after the notice.
    Call {
        /// When it was called.
        called: ContractTime,
        /// When the notice is over.
        settled: Slot,
    },
    /// Nobody has called it yet.
    Open,
}

impl Ending {
    /// The ending of a contract. A date that the terms name stays where it is; one that follows
    /// from a cycle or a notice moves off days without business.
    ///
    /// # Errors
    /// [`ActusError::NeverMatures`].
    pub fn of(terms: &Terms, observed: &Observed) -> Result<Self, ActusError> {
        if let Some(named) = terms.maturity.or(terms.redemption.amortisation_end) {
            return Ok(Self::Maturity(terms.dates.named(named)?));
        }
        match (terms.contract_type, observed.call, terms.notice) {
            (ContractType::Clm, Some(called), Some(notice)) => {
                let settled = called.on(notice.after(called.date(), 1)?);
                Ok(Self::Call { called, settled: terms.dates.cyclic(settled)? })
            }
            (ContractType::Clm, ..) => Ok(Self::Open),
            _ => Ok(Self::Maturity(terms.dates.cyclic(derived_maturity(terms)?)?)),
        }
    }

    /// When what is left is paid.
    pub fn payment(self) -> Option<Slot> {
        match self {
            Self::Maturity(slot) | Self::Call { settled: slot, .. } => Some(slot),
            Self::Open => None,
        }
    }

    /// The day of maturity.
    pub fn maturity_day(self) -> Option<NaiveDate> {
        match self {
            Self::Maturity(slot) => Some(slot.calculated),
            Self::Call { .. } | Self::Open => None,
        }
    }

    /// The time before which schedules end; an open contract is planned to the last day asked for.
    ///
    /// # Errors
    /// [`ActusError::Invalid`] for an open contract without such a day.
    pub fn schedules_end(
        self,
        terms: &Terms,
        to: Option<NaiveDate>,
    ) -> Result<ContractTime, ActusError> {
        match (self, to) {
            (Self::Maturity(slot), _) => Ok(slot.scheduled),
            (Self::Call { called, .. }, _) => Ok(called),
            (Self::Open, Some(to)) => open_end(terms, to),
            (Self::Open, None) => Err(ActusError::Invalid {
                problems: vec![Problem {
                    path: "maturityDate".into(),
                    reason: "is missing, no call (XD) was observed, and no last day is asked for"
                        .into(),
                }],
            }),
        }
    }
}

/// An end so far behind the last day asked for that no schedule's last period begins before it:
/// nothing is known to be the last period of an open contract.
fn open_end(terms: &Terms, to: NaiveDate) -> Result<ContractTime, ActusError> {
    let fees = terms.fee.map(|fee| fee.dates);
    let all = [Some(terms.interest.dates), Some(terms.reset.dates), fees];
    let mut end = to;
    for cycle in all.iter().flatten().filter_map(|dates| dates.cycle) {
        end = end.max(cycle.period.after(to, 1)?);
    }
    Ok(ContractTime::end_of(add_days(end, 1)?))
}
