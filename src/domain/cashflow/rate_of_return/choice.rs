//! Which of several rates is the rate of return.
//!
//! A rate of return brings the present value of flows to zero. Flows that change sign once have
//! one; other flows may have several or none. [`BothSides::rate`] gives the one that the flows'
//! owner would call the rate of return, [`BothSides::all_rates`] gives all of them. The rule, with
//! the distance of a rate from zero measured as `|ln(1 + r)|`, so that losing half is as far as
//! doubling:
//!
//! 1. If the flows sum to zero, the rate is zero.
//! 2. If more is received than paid, the rate is the smallest positive one, unless that is above
//!    10,000 per cent; then it is the one nearest to zero.
//! 3. If less is received than paid, the rate is the negative one nearest to zero, unless there is
//!    a positive one less than half as far away.
//!
//! Rates far below zero at which the last flow weighs more than 10^15 times the first count for
//! nothing where flows change sign more than once: the first flow is then less than the rounding
//! of the last, so that the rate does not depend on it.
//!
//! There is no rate of return, and the answer is None, if the flows have one sign, if no rate
//! solves the equation, if the only ones that do count for nothing as said, or if the one that
//! does is nearer to minus one or farther from zero than a double can be: a loan of 1,000 of which
//! 1 came back the next day.

use super::exponential::{Flows, View};
use super::legs::PresentValue;
use super::roots::{all_roots, first_root};
use crate::domain::cashflow::CashflowError;

/// ln(1 + 100): rates above 10,000 per cent a period are no one's first choice.
const FORCE_PLAUSIBLE: f64 = 4.615_120_516_841_26;
/// ln of the largest double.
const FORCE_MAX: f64 = 709.78;
/// 53 ln 2: at less than minus this, `1 + r` is too small to tell r from minus one.
const FORCE_LOST_MAX: f64 = 36.736_800_569_677_1;
/// ln 10^15: the decimal digits a double is sure to hold.
const GROWTH_MEANT: f64 = 34.538_776_394_910_68;

/// A present value seen from both ends of time, for rates above and below zero.
pub(in crate::domain::cashflow) struct BothSides<P> {
    /// The value in `x = ln(1 + r)`, for rates above zero.
    pub above: P,
    /// The value, scaled, in `x = -ln(1 + r)`, for rates below zero.
    pub below: P,
    /// What is received less what is paid.
    pub total: f64,
    /// Whether the sign changes more than once, so that there may be several rates.
    pub several: bool,
}

impl<'a> BothSides<View<'a>> {
    /// None for flows of one sign.
    pub fn of(flows: &'a Flows) -> Option<Self> {
        (flows.sign_changes() > 0).then(|| Self {
            above: flows.discounted(),
            below: flows.brought_forward(),
            total: flows.total(),
            several: flows.sign_changes() > 1,
        })
    }
}

impl<P: PresentValue> BothSides<P> {
    /// The rate of return by the rule of this module.
    ///
    /// # Errors
    /// [`CashflowError::NotVerified`] if what was found does not solve the equation.
    pub fn rate(&self) -> Result<Option<f64>, CashflowError> {
        if self.total == 0.0 {
            return Ok(Some(0.0));
        }
        let gain = self.total > 0.0;
        if gain && let Some(force) = first_root(&self.above, 0.0, FORCE_PLAUSIBLE)? {
            return Ok(Some(force.exp_m1()));
        }
        let lost_max = match self.several {
            true => FORCE_LOST_MAX.min(GROWTH_MEANT / self.below.span()),
            false => FORCE_LOST_MAX,
        };
        let lost = first_root(&self.below, 0.0, lost_max)?;
        let (from, reach) = match (gain, lost) {
            (true, lost) => (FORCE_PLAUSIBLE, lost.unwrap_or(FORCE_MAX)),
            (false, lost) => (0.0, lost.map_or(FORCE_MAX, |lost| 0.5 * lost)),
        };
        let gained = if reach > from { first_root(&self.above, from, reach)? } else { None };
        Ok(gained.or(lost.map(|lost| -lost)).map(f64::exp_m1))
    }

    /// Every rate that solves the equation, in order, also those that count for nothing.
    ///
    /// # Errors
    /// As [`BothSides::rate`].
    pub fn all_rates(&self) -> Result<Vec<f64>, CashflowError> {
        let zero = self.total == 0.0;
        // A root at zero is seen from both sides, so both begin a little beyond it.
        let from = if zero { 1e-9 / self.above.span() } else { 0.0 };
        let mut forces: Vec<f64> = all_roots(&self.below, from, FORCE_LOST_MAX)?;
        forces.iter_mut().for_each(|force| *force = -*force);
        forces.reverse();
        if zero {
            forces.push(0.0);
        }
        forces.extend(all_roots(&self.above, from, FORCE_MAX)?);
        Ok(forces.into_iter().map(f64::exp_m1).collect())
    }
}
