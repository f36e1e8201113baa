//! What the parties agree about the life of a loan, beyond its schedule.
//!
//! [`LoanTerms`] is the schedule's terms and the servicing's in one JSON object:
//!
//! ```json
//! {"principal": "1000", "annual_rate": "0.07", "instalments": 6, "disbursed_on": "2024-01-01",
//!  "recalculation": {"interest": "daily"}, "overpayment": "hold"}
//! ```

mod read;
mod validate;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::state::amounts::Component;
use super::state::transaction::TransactionKind;
use crate::domain::loan::ScheduleTerms;
use crate::domain::loan::terms::{FeeBasis, is_default};

/// The terms of a loan and of its servicing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct LoanTerms {
    /// From what the schedule follows.
    pub schedule: ScheduleTerms,
    /// What happens when life departs from it.
    pub servicing: ServicingTerms,
}

/// What happens when life departs from the schedule. Every member has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServicingTerms {
    /// The version of this form: 1.
    pub version: u32,
    /// ISO 4217 code; operations that name another currency are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// How payments are divided.
    #[serde(skip_serializing_if = "is_default")]
    pub allocation: AllocationTerms,
    /// What a payment off its due date does to interest.
    #[serde(skip_serializing_if = "is_default")]
    pub recalculation: RecalculationTerms,
    /// Whether down payments are taken by themselves when money is lent, in place of being awaited.
    #[serde(skip_serializing_if = "is_default")]
    pub collect_down_payment: bool,
    /// How much more than the principal may be lent, in currency units.
    #[serde(skip_serializing_if = "is_default")]
    pub lend_beyond: Decimal,
    /// When an instalment counts as overdue.
    #[serde(skip_serializing_if = "is_default")]
    pub arrears: ArrearsTerms,
    /// What lateness costs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub penalties: Vec<PenaltyTerms>,
    /// What happens to money nothing is owed for.
    #[serde(skip_serializing_if = "is_default")]
    pub overpayment: OverpaymentPolicy,
    /// The classes of delinquency, by days past due.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub delinquency: Vec<DelinquencyBucket>,
    /// Whether each instalment's delinquency is reported, too.
    #[serde(skip_serializing_if = "is_default")]
    pub delinquency_by_instalment: bool,
    /// What charging off does to what is not due yet.
    #[serde(skip_serializing_if = "is_default")]
    pub charge_off: ChargeOffBehaviour,
    /// How income is recognised.
    #[serde(skip_serializing_if = "is_default")]
    pub accrual: AccrualTerms,
    /// Refunds that give back the interest they made needless, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interest_refund: Vec<TransactionKind>,
    /// How capitalised income is earned.
    #[serde(skip_serializing_if = "is_default")]
    pub capitalised_income: CapitalisedIncomeTerms,
}

impl Default for ServicingTerms {
    fn default() -> Self {
        Self {
            version: 1,
            currency: None,
            allocation: AllocationTerms::default(),
            recalculation: RecalculationTerms::default(),
            collect_down_payment: false,
            lend_beyond: Decimal::ZERO,
            arrears: ArrearsTerms::default(),
            penalties: Vec::new(),
            overpayment: OverpaymentPolicy::default(),
            delinquency: Vec::new(),
            delinquency_by_instalment: false,
            charge_off: ChargeOffBehaviour::default(),
            accrual: AccrualTerms::default(),
            interest_refund: Vec::new(),
            capitalised_income: CapitalisedIncomeTerms::default(),
        }
    }
}

/// How payments are divided among what is owed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AllocationTerms {
    /// The rule for every transaction that has none of its own.
    pub default: AllocationRule,
    /// Rules of some kinds of transaction.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_transaction: Vec<TransactionAllocation>,
    /// Whether one instalment is served after the other, or one component after the other.
    pub walk: Walk,
    /// Whether a charge counts as due from its own due date on, though its instalment is not due
    /// yet.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub charges_on_own_date: bool,
    /// In which order a chargeback takes back what the payment had paid. Without it all of a
    /// chargeback is principal.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chargeback: Vec<Component>,
}

impl Default for AllocationTerms {
    fn default() -> Self {
        Self {
            default: AllocationRule::default(),
            by_transaction: Vec::new(),
            walk: Walk::Horizontal,
            charges_on_own_date: false,
            chargeback: Vec::new(),
        }
    }
}

/// In which order one kind of transaction pays. In JSON the members of the rule stand beside the
/// kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "RuleOfKind", into = "RuleOfKind")]
pub struct TransactionAllocation {
    /// The kind.
    pub transaction: TransactionKind,
    /// Its rule.
    pub rule: AllocationRule,
}

/// The JSON form of [`TransactionAllocation`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleOfKind {
    transaction: TransactionKind,
    #[serde(default = "usual_order")]
    order: Vec<Target>,
    #[serde(default)]
    future: FutureRule,
}

fn usual_order() -> Vec<Target> {
    AllocationRule::default().order
}

impl From<RuleOfKind> for TransactionAllocation {
    fn from(flat: RuleOfKind) -> Self {
        let rule = AllocationRule { order: flat.order, future: flat.future };
        Self { transaction: flat.transaction, rule }
    }
}

impl From<TransactionAllocation> for RuleOfKind {
    fn from(own: TransactionAllocation) -> Self {
        let AllocationRule { order, future } = own.rule;
        Self { transaction: own.transaction, order, future }
    }
}

/// An order of payment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AllocationRule {
    /// What is paid first, second and so on: `past_due_penalty`, … `in_advance_principal`.
    pub order: Vec<Target>,
    /// Which of the instalments not yet due are paid.
    pub future: FutureRule,
}

impl Default for AllocationRule {
    fn default() -> Self {
        let components =
            [Component::Penalty, Component::Fee, Component::Interest, Component::Principal];
        let order = [When::PastDue, When::Due, When::InAdvance]
            .into_iter()
            .flat_map(|when| components.map(|component| Target { when, component }))
            .collect();
        Self { order, future: FutureRule::Next }
    }
}

/// How an instalment stands to the day of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum When {
    /// Due before the day.
    PastDue,
    /// Due on the day.
    Due,
    /// Due after the day.
    InAdvance,
}

/// A component of instalments that stand in one way to the day of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Target {
    /// Which instalments.
    pub when: When,
    /// What of them.
    pub component: Component,
}

const WHENS: [(&str, When); 3] =
    [("past_due", When::PastDue), ("due", When::Due), ("in_advance", When::InAdvance)];
const COMPONENTS: [(&str, Component); 4] = [
    ("penalty", Component::Penalty),
    ("fee", Component::Fee),
    ("interest", Component::Interest),
    ("principal", Component::Principal),
];

impl TryFrom<String> for Target {
    type Error = String;
    fn try_from(name: String) -> Result<Self, String> {
        for (when_name, when) in WHENS {
            for (component_name, component) in COMPONENTS {
                if name.strip_prefix(when_name).and_then(|rest| rest.strip_prefix('_'))
                    == Some(component_name)
                {
                    return Ok(Self { when, component });
                }
            }
        }
        Err(format!("unknown target of payments: \"{name}\", expected one such as due_interest"))
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        let when = WHENS.iter().find(|(_, when)| *when == target.when);
        let component = COMPONENTS.iter().find(|(_, component)| *component == target.component);
        format!("{}_{}", when.map_or("", |one| one.0), component.map_or("", |one| one.0))
    }
}

/// Which of the instalments not yet due a payment serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FutureRule {
    /// The next one, then the one after.
    #[default]
    Next,
    /// The last one, then the one before: the loan gets shorter.
    Last,
    /// The one whose period the day is in, then the last.
    NextLast,
    /// All of them evenly: instalments get smaller.
    Reamortise,
}

/// In which direction what is owed is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Walk {
    /// One instalment after the other, each by component.
    #[default]
    Horizontal,
    /// One component after the other, each over the instalments.
    Vertical,
}

/// What a payment off its due date does to interest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecalculationTerms {
    /// Whether and how often interest follows what is really owed.
    pub interest: Recalculation,
    /// What a payment ahead of time changes, of fixed schedules whose interest follows payments. Of
    /// others the last instalment takes the difference, and anything else is refused.
    pub prepayment: PrepaymentEffect,
    /// Until when interest is asked of who pays the loan off.
    pub payoff: PayoffInterest,
    /// Whether overdue principal bears no further interest.
    pub spare_overdue_principal: bool,
    /// Whether lateness is judged by the schedule as agreed, in place of the one in force.
    pub arrears_on_agreed_schedule: bool,
}

impl RecalculationTerms {
    /// Whether a payment within a period leaves the interest of the period as it is.
    pub(crate) fn counts_to_due_date(self) -> bool {
        self.payoff == PayoffInterest::ToDueDate || self.interest == Recalculation::AtDueDates
    }
}

/// Whether interest follows what is really owed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recalculation {
    /// Interest is as scheduled, whenever it is paid.
    #[default]
    None,
    /// From the day of each payment.
    Daily,
    /// From the due date after each payment.
    AtDueDates,
}

/// What a payment ahead of time changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrepaymentEffect {
    /// The last instalment that is not paid takes the difference.
    #[default]
    LastInstalment,
    /// The instalments get smaller.
    Instalment,
    /// There are fewer instalments.
    InstalmentCount,
    /// The next instalments are paid already.
    NextDue,
}

/// Until when interest is asked of who pays the loan off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoffInterest {
    /// Until the day it is paid off.
    #[default]
    ToPayoffDate,
    /// Until the due date of the period that day is in.
    ToDueDate,
}

/// When an instalment counts as overdue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArrearsTerms {
    /// Days after the due date that do not count.
    pub grace_days: u32,
    /// Amounts up to this do not count.
    pub tolerance: Decimal,
}

/// A penalty for lateness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PenaltyTerms {
    /// What the lender calls it.
    pub name: String,
    /// Currency units for a flat penalty, else the fraction of its basis; for a penalty that runs
    /// by the day the fraction is one of a year.
    pub value: Decimal,
    /// What it is a fraction of: of the overdue instalment.
    #[serde(default)]
    pub basis: FeeBasis,
    /// Days after the due date before it is charged.
    #[serde(default)]
    pub grace_days: u32,
    /// Whether it runs by the day for as long as the instalment is overdue, in place of being
    /// charged once.
    #[serde(default)]
    pub daily: bool,
    /// The most it may come to for one instalment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Decimal>,
    /// Whether unpaid penalties are part of the basis.
    #[serde(default)]
    pub compounding: bool,
}

/// What happens to money nothing is owed for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverpaymentPolicy {
    /// A payment of more than is owed is refused.
    Reject,
    /// It is held for the borrower and pays what comes to be owed.
    #[default]
    Hold,
    /// It is given back at once.
    Refund,
}

/// A class of delinquency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelinquencyBucket {
    /// Its name.
    pub name: String,
    /// The first day past due that is in it.
    pub from_days: u32,
    /// The last day past due that is in it; none for the last class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_days: Option<u32>,
}

/// What charging off does to what is not due yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeOffBehaviour {
    /// Nothing.
    #[default]
    Regular,
    /// No interest is asked for after the day.
    ZeroInterest,
    /// Everything falls due on the day.
    Accelerate,
}

/// How income is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccrualTerms {
    /// Whether income is recognised when it is earned, by the day; if not, when it is paid.
    pub periodic: bool,
    /// Whether each due date leaves a note of what its period earned.
    pub activity: bool,
    /// Whether a charge is earned on its due date, in place of the day it was recorded.
    pub charges_when_due: bool,
    /// Whether a charge recorded after the last due date is earned at once.
    pub charges_after_maturity_at_once: bool,
}

impl Default for AccrualTerms {
    fn default() -> Self {
        Self {
            periodic: true,
            activity: false,
            charges_when_due: true,
            charges_after_maturity_at_once: false,
        }
    }
}

/// How capitalised income is earned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CapitalisedIncomeTerms {
    /// Whether income may be added to the principal at all.
    pub allowed: bool,
}

impl LoanTerms {
    /// Terms whose servicing is all defaults.
    pub fn new(schedule: ScheduleTerms) -> Self {
        Self { schedule, servicing: ServicingTerms::default() }
    }
}
