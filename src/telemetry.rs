//! What the process tells its operator: log lines and figures. Set up once per process; nothing here decides.

use std::sync::{Arc, OnceLock};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Settings};

/// Seconds; from an index lookup to an upload over a slow line.
const SECONDS: &[f64] = &[0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Starts writing log lines to the standard error stream. A second call in the same process changes nothing.
pub fn start_log(settings: &Settings) {
    let filter = EnvFilter::new(format!("{},actix_server=warn", settings.log_level));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // An error says that a log was started before, by a test or an embedding program: that one stays.
    let _ = match settings.log {
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init(),
        LogFormat::Pretty => lines.compact().with_target(false).try_init(),
    };
}

/// Prints the figures in Prometheus' text format.
pub type Figures = Arc<dyn Fn() -> String + Send + Sync>;

/// The recorder of this process.
pub fn figures() -> Figures {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    let handle = RECORDER.get_or_init(|| {
        PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
            .ok()?
            .install_recorder()
            .ok()
    });
    Arc::new(move || match handle {
        Some(handle) => {
            handle.run_upkeep();
            handle.render()
        }
        None => String::new(),
    })
}
