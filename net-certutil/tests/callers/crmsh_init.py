import crmsh_here
from crmsh import qdevice

device = qdevice.QDevice("server", cluster_name="hacluster")
device.certificate_process_on_init()
print("enrolled")
# Once more: the server is initialized, and the nodes have a database.
try:
    device.init_db_on_qnetd()
    device.init_db_on_cluster()
except ValueError as error:
    # Of the nodes that are asked at once the first answer is shown.
    print(str(error).replace("node2", "node1"))
