//! GARCH.

use pgrx::prelude::*;

use crate::domain::error::by_name;
use crate::domain::market::MarketError;
use crate::domain::market::garch::{self, Distribution, Garch};
use crate::pg::{Answer, Cells, List, Name, One, OrReport, Rows, Table, cell};

/// The distributions by name, and whether each is Student's.
const DISTRIBUTIONS: [(&str, bool); 2] = [("normal", false), ("student", true)];

#[pg_extern(
    immutable,
    parallel_safe,
    sql = r#"
create function garch_fit(
    returns double precision[],
    distribution text default 'normal',
    leverage boolean default false
) returns table (
    mu double precision,
    omega double precision,
    alpha double precision,
    gamma double precision,
    beta double precision,
    nu double precision,
    persistence double precision,
    unconditional_volatility double precision,
    last_volatility double precision,
    next_volatility double precision,
    log_likelihood double precision,
    aic double precision,
    bic double precision,
    observations integer,
    converged boolean
) rows 1 immutable parallel safe cost 1000000
language c as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#
)]
fn garch_fit(returns: List<f64>, distribution: Name<'_>, leverage: Option<bool>) -> Answer<One> {
    let student = by_name("distribution", distribution.0, &DISTRIBUTIONS).or_report()?;
    let leverage = given("leverage", leverage)?;
    let fit = garch::fit(&returns, leverage, student).or_report()?;
    let nu = match fit.distribution {
        Distribution::Normal => None,
        Distribution::StudentT(nu) => Some(nu),
    };
    let (model, course) = (fit.model, fit.course);
    Ok(One(vec![
        cell(model.mu),
        cell(model.omega),
        cell(model.alpha),
        cell(model.gamma),
        cell(model.beta),
        cell(nu),
        cell(model.persistence()),
        cell(model.unconditional_variance().map(f64::sqrt)),
        cell(course.last.sqrt()),
        cell(course.next.sqrt()),
        cell(course.log_likelihood),
        cell(fit.aic()),
        cell(fit.bic()),
        cell(fit.returns as i32),
        cell(fit.converged),
    ]))
}

/// An argument that must be given beside others that need not.
fn given<T>(name: &'static str, value: Option<T>) -> Answer<T> {
    value.ok_or(MarketError::Missing(name)).or_report()
}

/// The variances of periods, that of the period after the last return at the end.
struct Variances(Vec<f64>);

impl Table<2> for Variances {
    fn height(&self) -> usize {
        self.0.len()
    }

    fn write(&self, row: usize, cells: &mut Cells<2>) {
        cells.whole(row as i32 + 1);
        cells.real(self.0.get(row).copied().unwrap_or(f64::NAN));
    }
}

#[pg_extern(
    immutable,
    parallel_safe,
    sql = r#"
create function garch_filter(
    returns double precision[],
    omega double precision,
    alpha double precision,
    beta double precision,
    gamma double precision default 0,
    mu double precision default 0,
    initial_variance double precision default null
) returns table (period integer, variance double precision)
rows 500 immutable parallel safe cost 1000
language c as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#
)]
fn garch_filter(
    returns: List<f64>,
    omega: Option<f64>,
    alpha: Option<f64>,
    beta: Option<f64>,
    gamma: Option<f64>,
    mu: Option<f64>,
    initial_variance: Option<f64>,
) -> Answer<Rows<Variances, 2>> {
    let model = Garch {
        mu: given("mu", mu)?,
        omega: given("omega", omega)?,
        alpha: given("alpha", alpha)?,
        gamma: given("gamma", gamma)?,
        beta: given("beta", beta)?,
    };
    let (mut variances, course) = model.filter(&returns, initial_variance).or_report()?;
    variances.push(course.next);
    Ok(Rows(Variances(variances)))
}

#[pg_extern(immutable, parallel_safe)]
fn garch_forecast(next_variance: f64, omega: f64, persistence: f64, periods: i32) -> Answer<f64> {
    garch::forecast(next_variance, omega, persistence, periods).or_report()
}
