//! A lender's whole book inside PostgreSQL.
//!
//! `domain` is the arithmetic, pure and usable as a library without a server; `pg` is the only
//! unsafe code; `api` is what SQL sees, file for file as `domain`.

pub mod domain;

#[cfg(feature = "pg")]
mod api;
#[cfg(feature = "pg")]
mod book;
#[cfg(feature = "pg")]
mod pg;

#[cfg(feature = "pg")]
pgrx::pg_module_magic!(name, version);

#[cfg(feature = "pg")]
mod sql {
    use pgrx::extension_sql_file;

    extension_sql_file!(
        "../sql/engine/20_aggregates.sql",
        requires = [
            _flows_transition,
            _valued_flows_transition,
            _flows_combine,
            _flows_serial,
            _flows_deserial,
            _xirr_final,
            _xnpv_final,
            _weighted_average_transition,
            _weighted_average_inverse,
            _weighted_average_combine,
            _weighted_average_serial,
            _weighted_average_deserial,
            _weighted_average_final
        ]
    );
    extension_sql_file!("../sql/engine/30_fold.sql", requires = [fold, fold_schedule]);
    extension_sql_file!(
        "../sql/engine/40_book.sql",
        requires = [_hash_link, _book_parts, _book_version]
    );
    extension_sql_file!("../sql/engine/90_comments.sql", finalize);
}
