//! `prompush gateway`: runs a gateway until a signal ends it.

use prompush_gateway::{Config, GatewayError, ServeError, Server};

use crate::args::GatewayArgs;
use crate::error::CliError;
use crate::output::logger;
use crate::output::terminal::print_message;
use crate::signals::{self, SignalThread};

pub(crate) fn run(args: GatewayArgs) -> Result<(), CliError> {
    if !args.persistence_file.is_empty() {
        return Err(CliError::Persistence(args.persistence_file));
    }
    logger::init(args.log_level);
    let server = Server::bind(config(args)).map_err(bind_error)?;
    for address in server.addresses() {
        print_message(&format!("listening on http://{address}"));
    }
    let handle = server.shutdown_handle();
    let signals = SignalThread::start(&signals::ENDING, move |_| handle.shutdown())?;
    server.run().map_err(CliError::Server)?;
    drop(signals);
    print_message("stopped");
    Ok(())
}

fn config(args: GatewayArgs) -> Config {
    let mut config = Config::default();
    config.listen = args.listen_address;
    config.disable_consistency_check = args.disable_consistency_check;
    config.metric_expiration = args.metric_expiration.filter(|expiration| !expiration.is_zero());
    config.enable_lifecycle = args.enable_lifecycle;
    config.enable_admin_api = args.enable_admin_api;
    config
}

fn bind_error(error: GatewayError) -> CliError {
    match error {
        GatewayError::Serve(ServeError::Listen { address, source }) => {
            CliError::Listen { address, source }
        }
        error => CliError::Server(error),
    }
}
