import crmsh_here
from crmsh import qdevice

qdevice.QDevice("server", cluster_node="node1", cluster_name="hacluster").certificate_process_on_join()
print("joined")
