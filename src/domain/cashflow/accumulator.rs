//! Gathering flows row by row, in parallel and in any order.

use chrono::NaiveDate;

use super::CashflowError;
use super::dated::DatedFlows;
use super::error::finite;
use crate::domain::calendar::civil::{check_range, day_number};
use crate::domain::calendar::{DayCount, DayCountContext};
use crate::domain::limits::CASH_FLOWS_MAX;

/// Flows gathered so far: the state of an aggregate.
///
/// Every flow is kept as it came, sixteen bytes each. Sums of doubles depend on their order, so
/// nothing is summed before all flows are there and in order; the result is therefore the same,
/// bit for bit, however rows arrive and partial states are merged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FlowAccumulator {
    flows: Vec<(i32, f64)>,
}

impl FlowAccumulator {
    /// No flow yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a flow.
    ///
    /// # Errors
    /// [`CashflowError::NotFinite`], [`CashflowError::TooManyFlows`] and
    /// [`CashflowError::Calendar`] for a date outside the library's years.
    pub fn push(&mut self, date: NaiveDate, amount: f64) -> Result<(), CashflowError> {
        self.reserve(1)?;
        let day = day_number(check_range(date)?);
        self.flows.push((day, finite(amount, "a cash flow", None)?));
        Ok(())
    }

    /// Adds the flows of another state.
    ///
    /// # Errors
    /// [`CashflowError::TooManyFlows`].
    pub fn merge(&mut self, other: &Self) -> Result<(), CashflowError> {
        self.reserve(other.flows.len())?;
        self.flows.extend_from_slice(&other.flows);
        Ok(())
    }

    /// Number of flows.
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether there is no flow yet.
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// The flows as they came, as day number from 1970-01-01 and amount, for a state that is
    /// written out and read back.
    pub fn flows(&self) -> &[(i32, f64)] {
        &self.flows
    }

    /// The flows, ready to be valued at many rates.
    ///
    /// # Errors
    /// As [`DatedFlows::new`].
    pub fn dated_flows(
        &self,
        day_count: DayCount,
        context: &DayCountContext<'_>,
    ) -> Result<DatedFlows, CashflowError> {
        DatedFlows::of_days(self.flows.clone(), day_count, context)
    }

    /// The rate of return; None also if there is no flow. See [`DatedFlows::xirr`].
    ///
    /// # Errors
    /// As [`FlowAccumulator::dated_flows`] and [`DatedFlows::xirr`].
    pub fn finish(
        &self,
        day_count: DayCount,
        context: &DayCountContext<'_>,
    ) -> Result<Option<f64>, CashflowError> {
        if self.is_empty() {
            return Ok(None);
        }
        self.dated_flows(day_count, context)?.xirr()
    }

    fn reserve(&self, more: usize) -> Result<(), CashflowError> {
        let count = self.flows.len().saturating_add(more);
        if count > CASH_FLOWS_MAX {
            return Err(CashflowError::TooManyFlows { count });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn state(flows: &[(NaiveDate, f64)]) -> FlowAccumulator {
        let mut state = FlowAccumulator::new();
        for &(date, amount) in flows {
            state.push(date, amount).unwrap();
        }
        state
    }

    #[test]
    fn an_empty_state_has_no_rate_and_bad_flows_leave_no_trace() {
        let context = DayCountContext::default();
        let mut state = FlowAccumulator::new();
        assert_eq!(state.finish(DayCount::Act365Fixed, &context), Ok(None));
        let date = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
        assert!(state.push(date, f64::NAN).is_err());
        assert!(state.push(NaiveDate::MIN, 1.0).is_err());
        assert_eq!((state.is_empty(), state.flows()), (true, &[][..]));
    }

    proptest! {
        /// Bit for bit, however rows are split among workers and merged.
        #[test]
        fn grouping_does_not_matter(
            flows in proptest::collection::vec((0u64..5_000, -1e6f64..1e6), 1..200),
            cuts in proptest::collection::vec(0usize..200, 3),
        ) {
            let start = NaiveDate::from_ymd_opt(2010, 1, 1).unwrap();
            let flows: Vec<_> =
                flows.into_iter().map(|(days, amount)| (start + chrono::Days::new(days), amount)).collect();
            let context = DayCountContext::default();
            let whole = state(&flows).finish(DayCount::Act365Fixed, &context).unwrap();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(flows.len())).collect();
            cuts.sort_unstable();
            let parts = [
                state(&flows[..cuts[0]]),
                state(&flows[cuts[0]..cuts[1]]),
                state(&flows[cuts[1]..cuts[2]]),
                state(&flows[cuts[2]..]),
            ];
            let mut merged = FlowAccumulator::new();
            for index in [2, 0, 3, 1] {
                merged.merge(&parts[index]).unwrap();
            }
            prop_assert_eq!(merged.len(), flows.len());
            let found = merged.finish(DayCount::Act365Fixed, &context).unwrap();
            prop_assert_eq!(found.map(f64::to_bits), whole.map(f64::to_bits));
        }
    }
}
