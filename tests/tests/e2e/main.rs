//! End to end: real clients, real peers, real disk images, a real window. Names are sentences.
//!
//! The tests of the API run three times: on our service with SQLite, with MariaDB, and on the real Glance, which shows
//! that they ask for what Glance does. What ours does better has tests of its own.
#![expect(clippy::expect_used, reason = "a test ends where it cannot go on")]

/// Makes of each function that takes a `&Site` a test on SQLite, on MariaDB and on the real Glance.
macro_rules! on_every_site {
    ($($name:ident),+ $(,)?) => { $(
        mod $name {
            #[test]
            fn on_sqlite() {
                super::$name(&glasshouse_tests::deployment::Deployment::on_sqlite().site());
            }

            #[test]
            fn on_mariadb() {
                super::$name(&glasshouse_tests::deployment::Deployment::on_mariadb().site());
            }

            #[test]
            fn on_the_real_glance() {
                super::$name(&glasshouse_tests::glance::Glance::shared().site());
            }
        }
    )+ };
}

/// Makes of each function that takes a `&Deployment` a test on SQLite and on MariaDB.
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => { $(
        mod $name {
            #[test]
            fn on_sqlite() {
                super::$name(glasshouse_tests::deployment::Deployment::on_sqlite());
            }

            #[test]
            fn on_mariadb() {
                super::$name(glasshouse_tests::deployment::Deployment::on_mariadb());
            }
        }
    )+ };
}

/// The module's own `on_sqlite()` and `on_mariadb()`, each made once, by a function of a [`Scratch`] and a [`Database`].
///
/// [`Scratch`]: glasshouse_tests::scratch::Scratch
/// [`Database`]: glasshouse_tests::deployment::Database
macro_rules! own_databases {
    ($name:literal, $start:ident) => {
        fn on_sqlite() -> &'static glasshouse_tests::deployment::Deployment {
            static SITE: std::sync::OnceLock<glasshouse_tests::deployment::Deployment> =
                std::sync::OnceLock::new();
            SITE.get_or_init(|| {
                let scratch = glasshouse_tests::scratch::Scratch::new(concat!($name, "-sqlite"));
                let database = glasshouse_tests::deployment::Database::sqlite_in(scratch.path());
                $start(scratch, database)
            })
        }

        fn on_mariadb() -> &'static glasshouse_tests::deployment::Deployment {
            static SITE: std::sync::OnceLock<glasshouse_tests::deployment::Deployment> =
                std::sync::OnceLock::new();
            SITE.get_or_init(|| {
                let scratch = glasshouse_tests::scratch::Scratch::new(concat!($name, "-mariadb"));
                $start(scratch, glasshouse_tests::deployment::Database::mariadb())
            })
        }
    };
}

/// Makes of each function that takes a `&Deployment` a test on the module's own `on_sqlite()` and `on_mariadb()`.
macro_rules! on_own_databases {
    ($($name:ident),+ $(,)?) => { $(
        mod $name {
            #[test]
            fn on_sqlite() {
                super::$name(super::on_sqlite());
            }

            #[test]
            fn on_mariadb() {
                super::$name(super::on_mariadb());
            }
        }
    )+ };
}

/// Makes of each function that takes a `&Site` a test on the module's own `ours()` and `theirs()`, a real Glance.
macro_rules! on_ours_and_theirs {
    ($($name:ident),+ $(,)?) => { $(
        mod $name {
            #[test]
            fn on_ours() {
                super::$name(&super::ours().site());
            }

            #[test]
            fn on_the_real_glance() {
                super::$name(&super::theirs().site());
            }
        }
    )+ };
}

mod api;
mod bad_uploads;
mod client_sequence;
mod contract;
mod crash;
mod crashes;
mod desktop;
mod differential;
mod faults;
mod fsck;
mod hostile;
mod hostile_images;
mod identity;
mod inspect;
mod inspect_matrix;
mod lab;
mod processors;
mod real_peers;
mod repertoire;
mod resume;
mod scrub;
mod sequences;
mod start;
