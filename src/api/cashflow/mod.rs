//! Interest, the time value of money, and rates of return.

use crate::domain::error::{Condition, Refusal};

pub(super) mod apr;
mod interest;
mod rate_of_return;
mod time_value;
mod weighted_average;

/// Two lists that belong together are not of one length.
#[derive(Debug, thiserror::Error)]
#[error("lists that belong together have different lengths")]
struct UnequalLists(usize, usize);

impl Refusal for UnequalLists {
    fn condition(&self) -> Condition {
        Condition::InvalidParameter
    }
    fn detail(&self) -> Option<String> {
        Some(format!("The first has {} elements, the second {}.", self.0, self.1))
    }
    fn hint(&self) -> Option<String> {
        Some("Give one element of each list for every pair.".into())
    }
}
