//! Volatility.

use pgrx::datum::Internal;
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::{answering, combining, joined, read_term, same, write_term};
use crate::domain::market::{
    self, AgeWeighted, EwmaVariance, LAMBDA, MarketError, PERIODS_PER_YEAR, SpacedReturns, Spread,
};
use crate::pg::{self, Answer, OrReport};

const PERIODS: &str = "periods_per_year";

/// Exact sums of returns, with the periods of a year where they are given.
#[derive(Clone, Default)]
struct Returns {
    spread: Spread,
    periods_per_year: Option<f64>,
}

impl Returns {
    fn periods(&self) -> f64 {
        self.periods_per_year.unwrap_or(PERIODS_PER_YEAR)
    }
}

impl pg::AggregateState for Returns {
    const VERSION: u8 = 1;

    fn merge(&mut self, other: &Self) -> Answer<()> {
        self.periods_per_year = joined(PERIODS, self.periods_per_year, other.periods_per_year)?;
        self.spread.merge(&other.spread);
        Ok(())
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        write_term(self.periods_per_year, bytes);
        self.spread.write(bytes);
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (periods_per_year, rest) = read_term(bytes)?;
        let (spread, rest) = Spread::read(rest)?;
        rest.is_empty().then_some(Self { spread, periods_per_year })
    }
}

pg::transitions! {
    fn _return_transition(state: &mut Returns, log_return: Option<f64>) {
        match log_return {
            Some(value) => state.spread.push(value),
            None => Ok(()),
        }
    }

    fn _return_inverse(state: &mut Returns, log_return: Option<f64>) {
        if let Some(value) = log_return {
            state.spread.remove(value);
        }
        Ok(())
    }

    fn _annual_return_transition(
        state: &mut Returns,
        log_return: Option<f64>,
        periods_per_year: Option<f64>,
    ) {
        let Some(value) = log_return else { return Ok(()) };
        let check = market::periods_per_year;
        same(&mut state.periods_per_year, PERIODS, periods_per_year, check)?;
        state.spread.push(value)
    }

    fn _annual_return_inverse(
        state: &mut Returns,
        log_return: Option<f64>,
        _periods_per_year: Option<f64>,
    ) {
        if let Some(value) = log_return {
            state.spread.remove(value);
        }
        Ok(())
    }
}

combining!(Returns, _return_combine, _return_serial, _return_deserial);
answering!(_sample_volatility_final, Returns, f64, |state| {
    market::sample_volatility(&state.spread, state.periods())
});
answering!(_zero_mean_volatility_final, Returns, f64, |state| {
    market::zero_mean_volatility(&state.spread, state.periods())
});

/// Exact sums of returns over stretches of different length.
#[derive(Clone, Default)]
struct Spaced {
    returns: SpacedReturns,
    periods_per_year: Option<f64>,
}

impl pg::AggregateState for Spaced {
    const VERSION: u8 = 1;

    fn merge(&mut self, other: &Self) -> Answer<()> {
        self.periods_per_year = joined(PERIODS, self.periods_per_year, other.periods_per_year)?;
        self.returns.merge(&other.returns);
        Ok(())
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        write_term(self.periods_per_year, bytes);
        self.returns.write(bytes);
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (periods_per_year, rest) = read_term(bytes)?;
        let (returns, rest) = SpacedReturns::read(rest)?;
        rest.is_empty().then_some(Self { returns, periods_per_year })
    }
}

pg::transitions! {
    fn _spaced_return_transition(
        state: &mut Spaced,
        log_return: Option<f64>,
        periods_per_year: Option<f64>,
        elapsed: Option<f64>,
    ) {
        let (Some(value), Some(elapsed)) = (log_return, elapsed) else { return Ok(()) };
        let check = market::periods_per_year;
        same(&mut state.periods_per_year, PERIODS, periods_per_year, check)?;
        state.returns.push(value, elapsed)
    }

    fn _spaced_return_inverse(
        state: &mut Spaced,
        log_return: Option<f64>,
        _periods_per_year: Option<f64>,
        elapsed: Option<f64>,
    ) {
        if let (Some(value), Some(elapsed)) = (log_return, elapsed) {
            state.returns.remove(value, elapsed);
        }
        Ok(())
    }
}

combining!(Spaced, _spaced_return_combine, _spaced_return_serial, _spaced_return_deserial);
answering!(_spaced_volatility_final, Spaced, f64, |state| {
    market::annual(state.returns.variance()?, state.periods_per_year.unwrap_or(PERIODS_PER_YEAR))
});

/// Begins with the first row that has a return.
#[derive(Default)]
struct Ewma(Option<EwmaVariance>);

impl Ewma {
    fn push(
        &mut self,
        value: Option<f64>,
        lambda: Option<f64>,
        initial_variance: Option<f64>,
    ) -> Result<(), MarketError> {
        let Some(value) = value else { return Ok(()) };
        let mut recursion = match self.0 {
            None => {
                EwmaVariance::new(lambda.ok_or(MarketError::Missing("lambda"))?, initial_variance)?
            }
            Some(recursion) => {
                let (first, start) = recursion.terms();
                same(&mut Some(first), "lambda", lambda, Ok)?;
                if start.is_some() {
                    same(&mut { start }, "initial_variance", initial_variance, Ok)?;
                }
                recursion
            }
        };
        recursion.push(value)?;
        self.0 = Some(recursion);
        Ok(())
    }
}

pg::transitions! {
    fn _ewma_transition(state: &mut Ewma, log_return: Option<f64>) {
        state.push(log_return, Some(LAMBDA), None)
    }

    fn _ewma_lambda_transition(state: &mut Ewma, log_return: Option<f64>, lambda: Option<f64>) {
        state.push(log_return, lambda, None)
    }

    fn _ewma_seeded_transition(
        state: &mut Ewma,
        log_return: Option<f64>,
        lambda: Option<f64>,
        initial_variance: Option<f64>,
    ) {
        if log_return.is_some() && initial_variance.is_none() {
            return Err(MarketError::Missing("initial_variance"));
        }
        state.push(log_return, lambda, initial_variance)
    }
}

answering!(_ewma_volatility_final, Ewma, f64, |state| {
    Ok(state.0.and_then(|recursion| recursion.variance()).map(f64::sqrt))
});

/// Begins with the first row that has a return and an age.
#[derive(Clone, Default)]
struct Aged(Option<AgeWeighted>);

impl Aged {
    #[inline]
    fn push(
        &mut self,
        value: Option<f64>,
        age: Option<i32>,
        lambda: Option<f64>,
    ) -> Result<(), MarketError> {
        let (Some(value), Some(age)) = (value, age) else { return Ok(()) };
        let given = lambda.ok_or(MarketError::Missing("lambda"))?;
        let state = match &mut self.0 {
            Some(state) => {
                same(&mut Some(state.lambda()), "lambda", lambda, Ok)?;
                state
            }
            none => none.insert(AgeWeighted::new(given)?),
        };
        state.push(value, age)
    }
}

impl pg::AggregateState for Aged {
    const VERSION: u8 = 1;

    fn merge(&mut self, other: &Self) -> Answer<()> {
        match (&mut self.0, &other.0) {
            (Some(mine), Some(theirs)) => {
                joined("lambda", Some(mine.lambda()), Some(theirs.lambda()))?;
                mine.merge(theirs);
            }
            (mine, Some(theirs)) => *mine = Some(theirs.clone()),
            (_, None) => {}
        }
        Ok(())
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        if let Some(state) = &self.0 {
            state.write(bytes);
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self(None));
        }
        let (state, rest) = AgeWeighted::read(bytes)?;
        rest.is_empty().then_some(Self(Some(state)))
    }
}

pg::transitions! {
    fn _age_weighted_transition(state: &mut Aged, log_return: Option<f64>, age: Option<i32>) {
        state.push(log_return, age, Some(LAMBDA))
    }

    fn _age_weighted_lambda_transition(
        state: &mut Aged,
        log_return: Option<f64>,
        age: Option<i32>,
        lambda: Option<f64>,
    ) {
        state.push(log_return, age, lambda)
    }
}

combining!(Aged, _age_weighted_combine, _age_weighted_serial, _age_weighted_deserial);
answering!(_age_weighted_final, Aged, f64, |state| {
    let variance = state.0.as_ref().map(AgeWeighted::variance).transpose()?;
    Ok(variance.flatten().map(f64::sqrt))
});
