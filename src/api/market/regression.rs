//! Straight lines.

use pgrx::datum::Internal;
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::{answering, combining};
use crate::domain::market::{MarketError, Regression};
use crate::pg::{self, Answer, OrReport};

impl pg::AggregateState for Regression {
    const VERSION: u8 = 1;

    fn merge(&mut self, other: &Self) -> Answer<()> {
        Regression::merge(self, other);
        Ok(())
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        Regression::write(self, bytes);
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (state, rest) = Regression::read(bytes)?;
        rest.is_empty().then_some(state)
    }
}

pg::transitions! {
    fn _regression_transition(state: &mut Regression, y: Option<f64>, x: Option<f64>) {
        match (y, x) {
            (Some(y), Some(x)) => state.push(y, x),
            _ => Ok(()),
        }
    }

    fn _regression_inverse(state: &mut Regression, y: Option<f64>, x: Option<f64>) {
        if let (Some(y), Some(x)) = (y, x) {
            state.remove(y, x);
        }
        Ok(())
    }
}

combining!(Regression, _regression_combine, _regression_serial, _regression_deserial);
answering!(_regression_slope_final, Regression, f64, Regression::slope);
answering!(_regression_intercept_final, Regression, f64, Regression::intercept);
answering!(_regression_r2_final, Regression, f64, Regression::r2);
answering!(_regression_residual_final, Regression, f64, Regression::residual_deviation);
