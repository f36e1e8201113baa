//! Pay cycles: by which rule somebody is paid, inferred from the days on which they were.
//!
//! *The idea.* A cycle is a rule that says on which days money comes ([`Cycle`]). Days that were seen
//! are a cycle's if most of its days have a payment and few payments have none. So every cycle that
//! the days suggest is laid beside them: a day of it is met, met a business day early or late, or
//! missed, and payments that it has no day for come at random. What the days say for a cycle is the
//! probability of just that, the shares of met and missed and the rate of what is random being
//! unknown and integrated out (Dirichlet-multinomial, Gamma-Poisson). That nobody pays by any rule is
//! a hypothesis like the others: all payments come at random. Bayes' rule with what is known of the
//! employer, the role and everybody ([`Prior`]) does the rest, and answers how sure it is.
//!
//! Nothing is tuned to a kind of cycle: a biweekly one is not a weekly one with half of its days missed,
//! nor a monthly one with a second payment, because those misses and payments are improbable.

mod candidates;
mod cycle;
mod error;
mod evidence;
mod gaps;
mod infer;
mod prior;
mod slots;
#[cfg(test)]
mod tests;

pub use cycle::{Cycle, Kind, MonthDay, Roll, Rule};
pub use error::PayCycleError;
pub use evidence::Tally;
pub use gaps::Gaps;
pub use infer::{Found, Next, Paid, PayCycles};
pub use prior::Prior;
