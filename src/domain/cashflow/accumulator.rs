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
