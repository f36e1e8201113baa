//! When work is done: how long a failed attempt waits, how often a key may begin, which slots a
//! schedule has.
//!
//! Chance and the clock are arguments: nothing here knows what time it is.

mod cron;
mod error;
mod rate;
mod retry;

pub use cron::Cron;
pub use error::LifecycleError;
pub use rate::{Admission, Rate};
pub use retry::retry_delay;
