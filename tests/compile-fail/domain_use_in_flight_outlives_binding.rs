// SPDX-License-Identifier: GPL-2.0

//! A mapping of a domain to be completed after unbind, on a device that has left the domain.

use sgdma::*;

fn f<'bound>(
    in_flight: InFlight<DomainUse<'bound, ToDevice>>,
) -> InFlight<DomainUse<'static, ToDevice>> {
    in_flight
}
