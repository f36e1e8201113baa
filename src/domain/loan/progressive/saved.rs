//! The form in which a loan is stored: what was agreed and what happened, nothing that follows.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::period::{Period, Segment};
use super::{DatedRate, ProgressiveModel, ProgressiveRules, Touched};
use crate::domain::loan::ScheduleError;

/// A stored loan. Amounts are minor units.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saved {
    rules: ProgressiveRules,
    start: NaiveDate,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rates: Vec<DatedRate>,
    periods: Vec<SavedPeriod>,
}

/// A stored period, which starts where the one before is due.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedPeriod {
    due: NaiveDate,
    units: Decimal,
    instalment: i128,
    /// Where it is not the instalment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    solved: Option<i128>,
    #[serde(default, skip_serializing_if = "is_zero")]
    paid_principal: i128,
    #[serde(default, skip_serializing_if = "is_zero")]
    paid_interest: i128,
    #[serde(default, skip_serializing_if = "is_zero")]
    prepaid_interest: i128,
    /// Whether it is of interest only, where grace at the start does not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interest_only: Option<bool>,
    /// Whether its interest is asked for with the next instalment.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    put_off: bool,
    /// Where it is more than one plain stretch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    segments: Vec<SavedSegment>,
}

/// A stored segment, which starts where the one before ends.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedSegment {
    until: NaiveDate,
    #[serde(default, skip_serializing_if = "is_zero")]
    disbursed: i128,
    #[serde(default, skip_serializing_if = "is_zero")]
    corrected: i128,
    #[serde(default, skip_serializing_if = "is_zero")]
    charged_back_principal: i128,
    #[serde(default, skip_serializing_if = "is_zero")]
    charged_back_interest: i128,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    paused: bool,
}

fn is_zero(amount: &i128) -> bool {
    *amount == 0
}

impl From<ProgressiveModel> for Saved {
    fn from(model: ProgressiveModel) -> Self {
        let saved = |(index, period): (usize, &Period)| {
            let segments = model.segments.get(model.segments_of(index)).unwrap_or_default();
            let plain = matches!(segments, [only] if *only == Segment {
                balance: only.balance, factor: only.factor, charge: only.charge,
                fixed: only.fixed,
                ..Segment::new(period.start, period.due)
            });
            SavedPeriod {
                due: period.due,
                units: period.units,
                instalment: period.instalment,
                solved: Some(period.solved).filter(|solved| *solved != period.instalment),
                paid_principal: period.paid_principal,
                paid_interest: period.paid_interest,
                prepaid_interest: period.prepaid_interest,
                interest_only: Some(period.interest_only)
                    .filter(|only| *only != (index < model.rules.principal_grace as usize)),
                put_off: period.put_off,
                segments: if plain { Vec::new() } else { segments.iter().map(save).collect() },
            }
        };
        let periods = model.periods.iter().enumerate().map(saved).collect();
        Self { rules: model.rules, start: model.start(), rates: model.rates, periods }
    }
}

fn save(segment: &Segment) -> SavedSegment {
    SavedSegment {
        until: segment.until,
        disbursed: segment.disbursed,
        corrected: segment.corrected,
        charged_back_principal: segment.charged_back_principal,
        charged_back_interest: segment.charged_back_interest,
        paused: segment.paused,
    }
}

impl TryFrom<Saved> for ProgressiveModel {
    type Error = ScheduleError;

    fn try_from(saved: Saved) -> Result<Self, ScheduleError> {
        let mut model = Self {
            rules: saved.rules,
            rates: saved.rates,
            periods: Vec::with_capacity(saved.periods.len()),
            segments: Vec::with_capacity(saved.periods.len()),
            touched: Touched(0..saved.periods.len()),
        };
        let mut start = saved.start;
        for (number, stored) in (0u32..).zip(&saved.periods) {
            let span = super::Span { start, due: stored.due, units: stored.units };
            let mut period = Period::new(&span, number, number < model.rules.principal_grace);
            period.interest_only = stored.interest_only.unwrap_or(period.interest_only);
            period.put_off = stored.put_off;
            period.first = u32::try_from(model.segments.len()).unwrap_or(u32::MAX);
            period.instalment = stored.instalment;
            period.solved = stored.solved.unwrap_or(stored.instalment);
            period.paid_principal = stored.paid_principal;
            period.paid_interest = stored.paid_interest;
            period.prepaid_interest = stored.prepaid_interest;
            model.periods.push(period);
            model.rebuild(stored, start)?;
            start = stored.due;
        }
        if model.periods.is_empty() {
            return Err(ScheduleError::NoSolution { reason: "The loan has no periods.".into() });
        }
        model.refactor(0)?;
        model.refresh(0)?;
        Ok(model)
    }
}

impl ProgressiveModel {
    /// Adds the segments of a stored period, which must follow one another up to its due date.
    fn rebuild(&mut self, stored: &SavedPeriod, start: NaiveDate) -> Result<(), ScheduleError> {
        let broken = |date| Err(ScheduleError::NoInstalmentDue { date });
        if stored.due <= start {
            return broken(stored.due);
        }
        let mut from = start;
        for segment in &stored.segments {
            if segment.until < from || segment.until > stored.due {
                return broken(segment.until);
            }
            self.segments.push(Segment {
                disbursed: segment.disbursed,
                corrected: segment.corrected,
                charged_back_principal: segment.charged_back_principal,
                charged_back_interest: segment.charged_back_interest,
                paused: segment.paused,
                ..Segment::new(from, segment.until)
            });
            from = segment.until;
        }
        match stored.segments.last() {
            None => self.segments.push(Segment::new(start, stored.due)),
            Some(last) if last.until != stored.due => return broken(last.until),
            Some(_) => {}
        }
        Ok(())
    }
}
