"""What crmsh would ask a running cluster."""

from crmsh import log, utils

log.setup_logging()

utils.list_cluster_nodes = lambda *_: ["node1", "node2"]
utils.list_cluster_nodes_except_me = lambda *_: ["node2"]
