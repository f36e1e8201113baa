//! Skewness and kurtosis.

use pgrx::datum::Internal;
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::{answering, combining};
use crate::domain::market::{MarketError, Shape};
use crate::pg::{self, Answer, OrReport};

impl pg::AggregateState for Shape {
    const VERSION: u8 = 1;

    fn merge(&mut self, other: &Self) -> Answer<()> {
        Shape::merge(self, other);
        Ok(())
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        for part in self.parts() {
            bytes.extend(part.to_le_bytes());
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (parts, rest) = bytes.as_chunks::<8>();
        let parts: [[u8; 8]; 5] = parts.try_into().ok()?;
        rest.is_empty().then_some(Self::from_parts(parts.map(f64::from_le_bytes)))
    }
}

pg::transitions! {
    fn _shape_transition(state: &mut Shape, value: Option<f64>) {
        match value {
            Some(value) => state.push(value),
            None => Ok(()),
        }
    }
}

combining!(Shape, _shape_combine, _shape_serial, _shape_deserial);
answering!(_skewness_final, Shape, f64, Shape::skewness);
answering!(_excess_kurtosis_final, Shape, f64, Shape::excess_kurtosis);
answering!(_population_skewness_final, Shape, f64, Shape::population_skewness);
answering!(_population_excess_kurtosis_final, Shape, f64, Shape::population_excess_kurtosis);
